// The sandbox's own doors, for the page: the control door, and the org's REST API with a session of the integration user.

export class Refusal extends Error {
  constructor(message, status, field) {
    super(message)
    this.status = status
    this.field = field
  }
}

async function call(method, path, { body, token } = {}) {
  const headers = {}
  if (body !== undefined) headers["Content-Type"] = "application/json"
  if (token) headers.Authorization = `Bearer ${token}`
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  const text = await answer.text()
  let document = null
  try {
    document = text ? JSON.parse(text) : null
  } catch {
    throw new Refusal(text.slice(0, 200), answer.status)
  }
  if (!answer.ok) {
    const error = document?.error ?? document?.[0] ?? {}
    throw new Refusal(error.reason ?? error.message ?? `HTTP ${answer.status}`, answer.status, error.field)
  }
  return document
}

export const control = {
  get: path => call("GET", `/sandbox/${path}`),
  post: (path, body) => call("POST", `/sandbox/${path}`, { body }),
  remove: path => call("DELETE", `/sandbox/${path}`),
}

const version = "66.0"
let session = null

/** A call of the org's REST API; a session that has ended is opened anew, once. */
export async function rest(path) {
  const whole = path.startsWith("/") ? path : `/services/data/v${version}/${path}`
  for (let attempt = 0; ; attempt += 1) {
    session ??= await control.post("session", {})
    try {
      return await call("GET", whole, { token: session.access_token })
    } catch (error) {
      if (error.status !== 401 || attempt > 0) throw error
      session = null
    }
  }
}

export const query = soql => rest(`query?q=${encodeURIComponent(soql)}`)

/** An element with attributes and children; strings become text, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value)
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value)
  }
  made.append(...children.filter(child => child !== null && child !== undefined))
  return made
}

export function facts(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, shown(value))]))
}

export function shown(value) {
  if (value === null || value === undefined) return ""
  if (typeof value === "object") return JSON.stringify(value)
  return String(value)
}
