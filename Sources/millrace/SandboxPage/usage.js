// Who listens, and what is left of the allocations: read over the same doors as any client would.

import { control, element, rest, shown } from "./api.js"

const find = id => document.getElementById(id)

export function subscribers(org) {
  const columns = [["Kind", "kind"], ["Topic", "topic"], ["User", "username"], ["Since", "since"], ["Delivered", "delivered"], ["Client", "client"]]
  async function refresh() {
    const empty = find("subscribers-empty")
    try {
      const { subscribers } = await control.get("subscribers")
      if (!find("subscriber-rows")) return
      const delivered = subscribers.reduce((sum, row) => sum + row.delivered, 0)
      const cards = [[subscribers.length, "subscribers"], [delivered, "events delivered to them"], [org.overview?.log.head ?? 0, "events so far"]]
      find("subscriber-cards").replaceChildren(
        ...cards.map(([count, label]) => element("div", { class: "card" }, element("b", {}, count.toLocaleString()), element("span", {}, label))))
      find("subscriber-rows").tHead.replaceChildren(element("tr", {}, ...columns.map(([label]) => element("th", {}, label))))
      find("subscriber-rows").tBodies[0].replaceChildren(...subscribers.map(row => element("tr", {}, ...columns.map(([, name]) =>
        element("td", { class: name === "delivered" ? "number" : undefined }, shown(row[name]))))))
      empty.hidden = subscribers.length > 0
      empty.textContent = "Nobody takes events now. A stream of the Pub/Sub API and a CometD client appear here as soon as they subscribe."
    } catch (error) {
      if (!find("subscribers-empty")) return
      empty.hidden = false
      empty.textContent = `The subscribers cannot be read: ${error.message}`
    }
  }
  refresh()
  return { refresh }
}

export function limits() {
  async function refresh() {
    try {
      const all = await rest("limits")
      if (!find("limit-rows")) return
      find("limits-problem").textContent = ""
      find("limit-rows").tBodies[0].replaceChildren(...Object.entries(all).filter(([, limit]) => limit.Max > 0)
        .map(([name, limit]) => [name, limit, 1 - limit.Remaining / limit.Max])
        .sort((left, right) => right[2] - left[2] || left[0].localeCompare(right[0]))
        .map(([name, limit, used]) => {
          const bar = element("i", {})
          bar.style.setProperty("width", `${Math.min(100, Math.max(0, used * 100))}%`)
          return element("tr", {}, element("td", {}, name), element("td", { class: "number" }, limit.Remaining.toLocaleString()),
            element("td", { class: "number" }, limit.Max.toLocaleString()),
            element("td", {}, element("span", { class: used > 0.9 ? "meter hot" : "meter" }, bar)))
        }))
    } catch (error) {
      if (find("limits-problem")) find("limits-problem").textContent = error.message
    }
  }
  refresh()
  // Each look is an API call: not with every refresh of the page.
  const timer = setInterval(refresh, 15000)
  return { leave: () => clearInterval(timer) }
}
