// The page of the sandbox: which section is shown, the clock, and what every section needs of the org.

import { control } from "./api.js"
import { overview } from "./overview.js"
import { records } from "./records.js"
import { events, follow } from "./events.js"
import { subscribers, limits } from "./usage.js"
import { faults } from "./faults.js"

const sections = { overview, records, events, subscribers, limits, faults }
const view = document.getElementById("view")
const find = id => document.getElementById(id)

/** The newest overview of the org; sections read it, and are told when it is new. */
export const org = { overview: null }
let leave = () => {}
let refresh = () => {}

function show() {
  const [name] = (location.hash.slice(1) || "overview").split("/")
  const section = sections[name] ? name : "overview"
  leave()
  view.replaceChildren(find(section).content.cloneNode(true))
  for (const link of document.querySelectorAll(".bar nav a")) {
    if (link.hash === `#${section}`) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
  }
  const shown = sections[section](org) ?? {}
  leave = shown.leave ?? (() => {})
  refresh = shown.refresh ?? (() => {})
}

// The clock

let clockSkew = 0
let isFrozen = false
let frozenAt = 0

function clockRead(clock) {
  clockSkew = clock.milliseconds - Date.now()
  isFrozen = clock.frozen
  frozenAt = clock.milliseconds
  find("clock-frozen").checked = clock.frozen
  find("clock-time").classList.toggle("moved", clock.frozen || Math.abs(clock.offset_seconds) > 1)
  tick()
}

function tick() {
  const now = new Date(isFrozen ? frozenAt : Date.now() + clockSkew)
  find("clock-time").textContent = `${now.toISOString().slice(0, 19).replace("T", " ")} UTC`
}

async function moveClock(change) {
  try {
    clockRead(await control.post("clock", change))
    find("clock-problem").textContent = ""
    await look()
  } catch (error) {
    find("clock-problem").textContent = error.message
  }
}

find("clock-open").addEventListener("click", () => {
  const panel = find("clock-panel")
  panel.hidden = !panel.hidden
  find("clock-open").setAttribute("aria-expanded", String(!panel.hidden))
})
for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => moveClock({ advance: Number(button.dataset.advance) }))
}
find("clock-form").addEventListener("submit", event => {
  event.preventDefault()
  moveClock({ set: find("clock-input").value })
})
find("clock-frozen").addEventListener("change", event => moveClock({ frozen: event.target.checked }))
setInterval(tick, 1000)

// The org at a glance, every few seconds

const lookEvery = 3000

async function look() {
  try {
    org.overview = await control.get("overview")
    find("offline").hidden = true
    clockRead(org.overview.clock)
    const badge = find("fault-badge")
    badge.hidden = org.overview.faults === 0
    badge.textContent = org.overview.faults
    refresh()
  } catch {
    find("offline").hidden = false
  }
}

addEventListener("hashchange", show)
await look()
show()
follow(find("event-badge"))
setInterval(() => { if (!document.hidden) look() }, lookEvery)
document.documentElement.dataset.ready = "yes"
