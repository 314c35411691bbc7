// Single-key shortcuts. They do nothing while somebody types, and can be switched off altogether.

const typing = (target) =>
  target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");

function chooseSide(side) {
  const radio = document.querySelector(`#ticket input[name="side"][value="${side}"]`);
  if (!radio) return false;
  document.dispatchEvent(new CustomEvent("ticket:open", { detail: { side } }));
  return true;
}

function search() {
  const field = document.querySelector('input[type="search"]');
  field?.focus();
  return Boolean(field);
}

const ACTIONS = {
  b: () => chooseSide("buy"),
  s: () => chooseSide("sell"),
  "/": search,
  "?": () => location.assign("/help/#shortcuts"),
};

export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.documentElement.dataset.keys === "off" || typing(event.target)) return;
    const action = ACTIONS[event.key];
    if (action && action() !== false) event.preventDefault();
  });
}
