"use strict";
(() => {
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);

  // light or dark: the system's choice until the button says another one, which is remembered where that is allowed
  const system = matchMedia("(prefers-color-scheme: dark)");
  const theme = find("#theme");
  const remembered = (value) => {
    try {
      return value ? localStorage.setItem("aspstate-theme", value) : localStorage.getItem("aspstate-theme");
    } catch {
      return null;
    }
  };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { theme.textContent = isDark() ? "Light mode" : "Dark mode"; };
  const before = remembered();
  if (before === "light" || before === "dark") root.dataset.theme = before;
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remembered(root.dataset.theme);
    name();
  });
  system.addEventListener("change", name);
  name();

  const form = find("#filters");
  if (!form) return;
  const [search, host, family, fresh, waived] = ["search", "host", "family", "new", "waived"].map((id) => find(`#${id}`));
  const findings = [...document.querySelectorAll(".finding")].map((element) => ({
    element,
    text: element.textContent.toLowerCase().replace(/\s+/g, " "),
    severity: element.dataset.severity,
    host: element.dataset.host,
    family: element.dataset.family,
    fresh: "new" in element.dataset,
    waived: "waived" in element.dataset,
  }));

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set([...form.querySelectorAll("[name=severity]:checked")].map((box) => box.value));
    let shown = 0;
    for (const one of findings) {
      const fits = severities.has(one.severity)
        && (!host.value || one.host === host.value)
        && (!family.value || one.family === family.value)
        && (!fresh.checked || one.fresh)
        && (waived.checked || !one.waived)
        && words.every((word) => one.text.includes(word));
      if (one.element.hidden === fits) one.element.hidden = !fits;
      shown += fits;
    }
    const number = (value) => value.toLocaleString("en");
    find("#count").textContent = `${number(shown)} of ${number(findings.length)} findings`;
    find("#nothing").hidden = shown > 0;
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  };
  search.addEventListener("input", soon);
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));

  // a link to a finding shows it, whatever the filters say
  const follow = () => {
    const target = location.hash.startsWith("#f-") && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) {
      form.reset();
      waived.checked = "waived" in target.dataset;
      apply();
      target.scrollIntoView();
    }
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  };
  addEventListener("hashchange", follow);
  for (const link of document.querySelectorAll("[data-show-host]")) {
    link.addEventListener("click", () => {
      form.reset();
      host.value = link.dataset.showHost;
      apply();
    });
  }
  form.hidden = false;
  apply();
  follow();
})();
