// Copies the text of an element to the clipboard and says so on the button.

const SAID_MS = 2_000;

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.lastChild;
  const before = words.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    words.textContent = "Copied";
    setTimeout(() => { words.textContent = before; }, SAID_MS);
  });
}
