// Browses an object page by page, or shows what a SOQL query answers.

import { control, element, facts, query, rest, shown } from "./api.js"

const pageSize = 50
const firstColumns = ["Id", "Name", "CaseNumber", "Subject", "Status", "Priority", "FirstName", "LastName", "Email", "Username", "Phone"]

export function records(org) {
  const find = id => document.getElementById(id)
  const wanted = decodeURIComponent(location.hash.split("/")[1] ?? "")
  const select = find("object")
  // Held, as an answer may come when another section is shown.
  const problemText = find("records-problem")
  let more = null
  let total = 0
  let rowCount = 0
  let turn = 0

  for (const object of org.overview?.objects ?? []) select.append(element("option", { value: object.name }, object.label))
  if (wanted) select.value = wanted
  if (!select.value && select.options.length) select.selectedIndex = 0

  function problem(text) { problemText.textContent = text }

  function columns(rows) {
    const names = new Set(rows.flatMap(row => Object.keys(row)).filter(name => name !== "attributes"))
    return [...names]
  }

  /** The columns that tell a record apart come first; empty ones are left out. */
  function browsed(rows) {
    const filled = columns(rows).filter(name => rows.some(row => row[name] !== null))
    const first = firstColumns.filter(name => filled.includes(name))
    return [...first, ...filled.filter(name => !first.includes(name) && !/^(IsDeleted|SystemModstamp|.*ById)$/.test(name))].slice(0, 12)
  }

  function draw(rows, names, append) {
    const table = find("rows")
    if (!append) {
      table.tHead.replaceChildren(element("tr", {}, ...names.map(name => element("th", {}, name))))
      table.tBodies[0].replaceChildren()
      rowCount = 0
    }
    table.tBodies[0].append(...rows.map(row => element("tr", { class: "link", tabindex: "0", onclick: () => open(row) },
      ...names.map(name => {
        const value = row[name]
        const text = value?.records ? `${value.totalSize} records` : shown(value)
        return element("td", { class: typeof value === "number" ? "number" : undefined, title: text }, text)
      }))))
    rowCount += rows.length
    find("records-count").textContent = `${rowCount.toLocaleString()} of ${total.toLocaleString()}`
    find("more").hidden = !more
  }

  async function open(row) {
    const url = row.attributes?.url
    let whole = row
    if (url) {
      try { whole = await rest(url) } catch { /* An aggregate has no record behind it: what the row holds is shown. */ }
    }
    find("record-title").textContent = whole.Name ?? whole.Subject ?? whole.Id ?? "Record"
    facts(find("record-fields"), Object.entries(whole).filter(([name]) => name !== "attributes"))
    find("record").showModal()
  }

  async function guarded(work) {
    const mine = ++turn
    problem("")
    try {
      await work(() => mine === turn)
    } catch (error) {
      if (mine === turn) problem(error.message)
    }
  }

  function browse(object) {
    let names = null
    let after = null
    const next = append => guarded(async isCurrent => {
      const parameters = new URLSearchParams({ limit: pageSize })
      if (after) parameters.set("after", after)
      const page = await control.get(`truth/${object}?${parameters}`)
      if (!isCurrent()) return
      total = page.count
      after = page.next
      more = after ? () => next(true) : null
      names ??= browsed(page.records)
      draw(page.records, names, append)
    })
    return next(false)
  }

  function run(soql) {
    let names = null
    const next = (ask, append) => guarded(async isCurrent => {
      const page = await ask()
      if (!isCurrent()) return
      total = page.totalSize
      more = page.done ? null : () => next(() => rest(page.nextRecordsUrl), true)
      names ??= columns(page.records)
      draw(page.records, names, append)
    })
    return next(() => query(soql), false)
  }

  select.addEventListener("change", () => {
    history.replaceState(null, "", `#records/${select.value}`)
    browse(select.value)
  })
  find("soql-form").addEventListener("submit", event => {
    event.preventDefault()
    if (find("soql").value.trim()) run(find("soql").value)
    else browse(select.value)
  })
  find("more").addEventListener("click", () => more?.())
  if (select.value) browse(select.value)
  return {}
}
