// Loaded in the head and run before the first paint: marks that scripts run, and switches the
// theme at a press. The choice lives in a cookie, so the server writes it into the next page.
(() => {
  const root = document.documentElement;
  root.dataset.script = "";

  const remember = (name, value) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${secure}`;
  };

  const apply = (name, value) => {
    root.dataset[name] = value;
    remember(name, value);
    for (const button of document.querySelectorAll(`[data-choose="${name}"]`)) {
      button.setAttribute("aria-pressed", String(button.value === value));
    }
    document.dispatchEvent(new CustomEvent("appearance"));
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose]");
    if (!button) return;
    event.preventDefault();
    apply(button.dataset.choose, button.value);
  });
})();
