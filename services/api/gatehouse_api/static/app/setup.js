// The page of the first user: the time zone is the browser's, unless somebody has chosen one or it is set elsewhere.

const list = document.getElementById("timezone");

if (list?.hasAttribute("data-ask") && list.value === "UTC") {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...list.options].some((one) => one.value === here)) list.value = here;
}
