// What the page does beside standing there: times in the reader's own zone, tables that can be filtered, and
// a refresh by itself. Without it everything can be read all the same.

(() => {
  const language = document.documentElement.lang;
  const box = document.getElementById("refresh");
  const everyMs = 10_000;

  function makeTimesLocal(part) {
    const today = new Date().toDateString();
    const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    const date = { month: "short", day: "numeric" };
    for (const element of part.querySelectorAll("time")) {
      const at = new Date(element.dateTime);
      element.title = element.dateTime;
      element.textContent = at.toLocaleString(
        language,
        at.toDateString() === today ? time : { ...date, ...time },
      );
    }
  }

  function addFilters(part) {
    for (const table of part.querySelectorAll("table.filtered")) {
      const region = table.parentElement;
      const input = document.createElement("input");
      input.type = "search";
      input.placeholder = part.dataset.filter;
      input.setAttribute("aria-label", `${part.dataset.filter}: ${region.getAttribute("aria-label")}`);
      input.addEventListener("input", () => {
        const wanted = input.value.trim().toLowerCase();
        for (const row of table.tBodies[0].rows) {
          row.hidden = !row.textContent.toLowerCase().includes(wanted);
        }
      });
      region.before(input);
    }
  }

  function dress(part) {
    makeTimesLocal(part);
    addFilters(part);
  }

  // Who is in the middle of it (a filter, a table that is scrolled by keys, a selection) is left alone.
  function isUsed(main) {
    const at = document.activeElement;
    const isWithin = at !== main && main.contains(at);
    return isWithin || !getSelection().isCollapsed || document.hidden;
  }

  async function refresh() {
    const main = document.getElementById("main");
    if (!box.checked || isUsed(main)) return;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      // The session has ended: the form to sign in takes the place of all.
      if (answer.status === 401) return location.reload();
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (!fresh || isUsed(main)) return;
      const open = [...main.querySelectorAll("details")].map((one) => one.open);
      for (const [at, one] of fresh.querySelectorAll("details").entries()) one.open = open[at];
      dress(fresh);
      main.replaceWith(fresh);
    } catch {
      // The plugin server restarts, or the network is away: the next round tells.
    }
  }

  dress(document.getElementById("main"));
  box.parentElement.hidden = false;
  box.checked = sessionStorage.getItem("refresh") === "on";
  box.addEventListener("change", () => {
    sessionStorage.setItem("refresh", box.checked ? "on" : "off");
    refresh();
  });
  setInterval(refresh, everyMs);
})();
