import { element, facts } from "./api.js"

export function overview(org) {
  const find = id => document.getElementById(id)
  function refresh() {
    const now = org.overview
    if (!now) return
    find("org-name").textContent = `Org ${now.organization}`
    const cards = [
      [now.objects.length, "objects"], [now.users.length, "users"], [now.log.head, "events so far"],
      [now.waiting_streams, "streams waiting"], [now.faults, "faults standing"],
    ]
    find("cards").replaceChildren(
      ...cards.map(([count, label]) => element("div", { class: "card" }, element("b", {}, count.toLocaleString()), element("span", {}, label))))
    find("objects").tBodies[0].replaceChildren(...now.objects.map(object =>
      element("tr", { class: "link", onclick: () => { location.hash = `#records/${object.name}` } },
        element("td", {}, element("a", { href: `#records/${object.name}` }, object.label)),
        element("td", {}, element("code", {}, object.prefix)),
        element("td", {}, element("code", {}, object.topic ?? "—")))))
    facts(find("connect"), [
      ["Login and REST", now.instance], ["User", now.users[0]], ["API version", "66.0"],
      ["For programs", "connection.json in the sandbox's directory"],
      ["A session at once", "POST /sandbox/session {}"], ["Control door", "/sandbox/faults, /sandbox/clock, /sandbox/truth"],
    ])
  }
  refresh()
  return { refresh }
}
