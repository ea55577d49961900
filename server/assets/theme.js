// Loaded before the first paint, so that no page flashes in the other theme. The choice is kept in this browser only.
"use strict";
(() => {
  const wanted = () => {
    try { return localStorage.getItem("lookback.theme"); } catch { return null; }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const choice = wanted();
    document.documentElement.dataset.theme = choice || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.choice = choice || "system";
    document.dispatchEvent(new CustomEvent("lookback:theme"));
  };
  window.lookbackTheme = {
    next() {
      const order = ["system", "light", "dark"];
      const choice = order[(order.indexOf(wanted() || "system") + 1) % order.length];
      try {
        if (choice === "system") localStorage.removeItem("lookback.theme");
        else localStorage.setItem("lookback.theme", choice);
      } catch { /* A browser that keeps nothing shows the system's theme. */ }
      apply();
      return choice;
    },
  };
  dark.addEventListener("change", apply);
  apply();
})();
