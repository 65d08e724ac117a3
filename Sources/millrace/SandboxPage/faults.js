// Faults on command: which stand, what they struck, and a form to set another.

import { control, element } from "./api.js"

const targets = {
  door: ["path", "rpc", "topic"], topic: ["topic"], object: ["object"], none: [],
}
const targetOf = {
  cut: "door", stall: "door", "half-open": "door", goaway: "door", unavailable: "door", "expired-token": "door", "lost-answer": "door",
  "replay-expired": "topic", "replay-corrupted": "topic", duplicate: "topic", delay: "topic",
  "row-lock": "object", bulk: "object", gap: "object", overflow: "object", schema: "none",
}
const numbers = ["seconds", "nth", "times", "probability"]
let fired = []
let firedNext = 0

export function faults(org) {
  const find = id => document.getElementById(id)
  const form = find("fault-form")
  const kinds = new Map()

  function fit() {
    const kind = find("fault-kind").value
    find("fault-does").textContent = (kinds.get(kind) ?? "").replaceAll("`", "")
    const wanted = targets[targetOf[kind] ?? "door"]
    for (const label of form.querySelectorAll("[data-target]")) {
      const name = label.dataset.target
      label.hidden = name === "seconds" ? kind !== "stall" && kind !== "delay" : !wanted.includes(name)
    }
  }

  function target(fault) {
    const parts = [fault.method, fault.path, fault.rpc, fault.during && `(${fault.during})`, fault.topic, fault.object]
    const when = [
      fault.nth && `from call ${fault.nth}`, fault.times && `${fault.times} ×`, fault.probability !== undefined && `p = ${fault.probability}, seed ${fault.seed}`,
      fault.seconds !== undefined && `${fault.seconds} s`, fault.status && `status ${fault.status}`,
    ]
    return [parts.filter(Boolean).join(" ") || "everywhere", when.filter(Boolean).join(", ")].filter(Boolean).join(" · ")
  }

  async function draw() {
    const all = await control.get("faults")
    if (!find("fault-list")) return
    if (!kinds.size) {
      for (const { kind, does } of all.kinds) {
        kinds.set(kind, does)
        find("fault-kind").append(element("option", { value: kind }, kind))
      }
      fit()
    }
    const rows = all.faults.map(fault => element("li", { class: fault.active ? undefined : "spent" },
      element("div", {}, element("b", {}, fault.kind), element("small", {}, target(fault))),
      element("span", { class: "badge hot", title: `struck ${fault.fired} of ${fault.seen} calls` }, `${fault.fired}/${fault.seen}`),
      element("button", { class: "quiet", "aria-label": `End ${fault.kind} ${fault.id}`, onclick: () => change(() => control.remove(`faults/${fault.id}`)) }, "End")))
    find("fault-list").replaceChildren(...(rows.length ? rows : [element("li", { class: "none" }, "None. Everything works.")]))
    const page = await control.get(`faults/fired?after=${firedNext}&limit=200`)
    if (!find("fired-list")) return
    firedNext = page.next
    fired = [...fired, ...page.fired].slice(-30)
    const strikes = fired.toReversed().map(strike => element("li", {},
      element("span", { class: "mono" }, strike.at.slice(11, 19)), element("b", {}, strike.kind),
      element("div", {}, [strike.method, strike.path, strike.rpc, strike.topic, strike.object].filter(Boolean).join(" "))))
    find("fired-list").replaceChildren(...(strikes.length ? strikes : [element("li", { class: "none" }, "Nothing yet.")]))
  }

  async function change(work) {
    try {
      await work()
      find("fault-problem").textContent = ""
    } catch (error) {
      find("fault-problem").textContent = error.message
    }
    await refresh()
  }

  async function refresh() {
    try { await draw() } catch (error) { if (find("fault-problem")) find("fault-problem").textContent = error.message }
  }

  for (const object of org.overview?.objects ?? []) form.elements.object.append(element("option", { value: object.name }, object.label))
  find("fault-kind").addEventListener("change", fit)
  form.addEventListener("submit", event => {
    event.preventDefault()
    const fault = {}
    for (const [name, value] of new FormData(form)) {
      const label = form.elements[name].closest("[data-target]")
      if (value === "" || label?.hidden) continue
      fault[name] = numbers.includes(name) ? Number(value) : value
    }
    change(() => control.post("faults", fault))
  })
  find("faults-clear").addEventListener("click", () => change(async () => {
    await control.remove("faults")
    fired = []
  }))
  refresh()
  return { refresh }
}
