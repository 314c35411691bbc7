// On a phone the ticket is a sheet: the bar at the bottom opens it, Escape, the cross or a press
// outside closes it, and the focus returns to where it was.

const phone = matchMedia("(max-width: 767px)");
const sheet = document.getElementById("sheet");
const home = document.getElementById("ticket-place");
const ticket = document.getElementById("ticket");

function place() {
  const inside = sheet.contains(ticket);
  if (phone.matches && !inside) {
    sheet.append(ticket);
  } else if (!phone.matches && inside) {
    if (sheet.open) sheet.close();
    home.append(ticket);
  }
}

function open(side) {
  if (!phone.matches) return;
  if (!sheet.open) sheet.showModal();
  if (!side) return;
  document.dispatchEvent(new CustomEvent("ticket:open", { detail: { side, inSheet: true } }));
}

if (sheet && home && ticket) {
  place();
  phone.addEventListener("change", place);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open-ticket]");
    if (opener && phone.matches) {
      event.preventDefault();
      open(opener.dataset.openTicket);
    }
    if (event.target === sheet || event.target.closest("[data-close-sheet]")) sheet.close();
  });
  document.addEventListener("ticket:open", (event) => {
    const { inSheet, quiet } = event.detail;
    if (!inSheet && !quiet && phone.matches && !sheet.open) sheet.showModal();
  });
  // A page that was asked for with a ticket in it, or came back with an error, shows it at once.
  if (phone.matches && ticket.dataset.open) open();
}
