// The keys of the page, wherever the focus is but where something is typed or chosen.

const TYPED = "input, textarea, select, [contenteditable]";
const PRESSED = "button, summary, a[href]";

export function takeKeys(keys) {
  document.addEventListener("keydown", (event) => {
    if (event.target.closest(TYPED) || event.ctrlKey || event.metaKey || event.altKey) return;
    const does = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!does || (event.key === " " && event.target.closest(PRESSED))) return;
    event.preventDefault();
    does(event);
  });
}
