// The live event stream: one loop of long polling for as long as the page is open, whatever section is shown.

import { control, element, facts } from "./api.js"

const keptMax = 500
const kept = []
let position = null
let isPaused = false
let unseen = 0
let drawNew = null
let badge = null

export async function follow(badgeElement) {
  badge = badgeElement
  for (;;) {
    try {
      const parameters = new URLSearchParams({ seconds: 20, limit: 200 })
      if (position !== null) parameters.set("after", position)
      else parameters.set("seconds", 0)
      const page = await control.get(`events?${parameters}`)
      position = page.next
      if (page.events.length) arrived(page.events)
    } catch {
      // The sandbox is away, or was started anew with an empty log: begin again at its newest event.
      position = null
      await new Promise(resolve => setTimeout(resolve, 2000))
    }
  }
}

function arrived(events) {
  kept.push(...events)
  if (kept.length > keptMax) kept.splice(0, kept.length - keptMax)
  if (drawNew) drawNew(events)
  else {
    unseen += events.length
    badge.hidden = false
    badge.textContent = unseen > 999 ? "999+" : unseen
  }
}

function tagClass(change) {
  if (!change) return "tag"
  return change.startsWith("GAP") ? "tag gap" : `tag ${change}`
}

function item(event) {
  const what = event.changed?.length ? event.changed.filter(name => name !== "LastModifiedDate").join(", ") : event.fields?.Subject ?? event.fields?.Name ?? ""
  const list = element("dl", { class: "facts" })
  const details = element("details", {},
    element("summary", {},
      element("span", { class: tagClass(event.change) }, event.change ?? "EVENT"),
      element("b", {}, event.entity ?? event.topic),
      element("code", { title: (event.records ?? []).join(" ") }, event.records?.length > 1 ? `${event.records.length} records` : event.records?.[0] ?? ""),
      element("span", { class: "what" }, what),
      element("span", { class: "when" }, event.at.slice(11, 19))),
    list)
  details.addEventListener("toggle", () => {
    if (!details.open || list.childElementCount) return
    facts(list, [
      ["Topic", event.topic], ["Replay id", event.replay_id], ["Position", event.position], ["Transaction", event.transaction],
      ["Origin", event.origin], ["By", event.user], ["Bytes", event.bytes],
      ...Object.entries(event.fields ?? {}),
    ].filter(([, value]) => value !== undefined && value !== ""))
  })
  return element("li", { "data-entity": event.entity ?? event.topic }, details)
}

export function events() {
  const find = id => document.getElementById(id)
  const stream = find("stream")
  const filter = find("event-filter")
  unseen = 0
  badge && (badge.hidden = true)

  function known(event) {
    const name = event.entity ?? event.topic
    if (![...filter.options].some(option => option.value === name)) filter.append(element("option", { value: name }, name))
  }

  function fits(event) { return !filter.value || (event.entity ?? event.topic) === filter.value }

  function draw(events) {
    events.forEach(known)
    find("stream-empty").hidden = kept.length > 0
    if (isPaused) return
    stream.prepend(...events.filter(fits).reverse().map(item))
    while (stream.childElementCount > keptMax) stream.lastElementChild.remove()
  }

  function redraw() {
    stream.replaceChildren()
    draw(kept)
  }

  function pause(paused) {
    isPaused = paused
    find("event-pause").setAttribute("aria-pressed", String(paused))
    find("event-pause").textContent = paused ? "Go on" : "Pause"
    find("event-state").textContent = paused ? "paused" : "live"
    find("event-state").classList.toggle("paused", paused)
    if (!paused) redraw()
  }

  find("event-pause").addEventListener("click", () => pause(!isPaused))
  find("event-clear").addEventListener("click", () => {
    kept.length = 0
    redraw()
  })
  filter.addEventListener("change", redraw)
  pause(false)
  drawNew = draw
  return { leave: () => { drawNew = null } }
}
