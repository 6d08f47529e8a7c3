// Before anything is drawn: the scheme that was chosen here, or the system's.
"use strict";
{
  const apply = choice => {
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
    else delete document.documentElement.dataset.theme;
  };
  const chosen = localStorage.getItem("theme") || "auto";
  apply(chosen);
  addEventListener("DOMContentLoaded", () => {
    const select = document.getElementById("theme");
    select.value = chosen;
    select.addEventListener("change", () => {
      localStorage.setItem("theme", select.value);
      apply(select.value);
    });
  });
}
