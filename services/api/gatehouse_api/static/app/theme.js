// The colours that were chosen, before anything is drawn: a script of its own, for modules come later.
(() => {
  let theme = "";
  try { theme = localStorage.getItem("theme") || ""; } catch { /* storage is forbidden here: then as the system has it */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
