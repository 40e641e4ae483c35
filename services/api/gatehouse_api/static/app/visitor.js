// Whoever is logged in: the id of the account, empty where there are no users or nobody is.
export const visitor = document.getElementById("bell")?.dataset.user ?? "";
