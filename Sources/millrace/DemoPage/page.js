// The demo's page: each column is a Millrace connection of its own with that customer's token, the agent's desk talks to the
// org's REST API and to nothing else. What an agent changes comes back through the one subscription that Millrace holds.

import { createMillrace, REPLAY_ALL } from './millrace.js';

const CHANNEL = '/data/CaseChangeEvent';
const STATUSES = ['New', 'Working', 'On Hold', 'Escalated', 'Closed'];
const PRIORITIES = ['High', 'Medium', 'Low'];
const SUBJECTS = [
    'Charging stops at 80 percent', 'Key fob is not recognised', 'Service appointment for May', 'Invoice shows the wrong battery size',
    'Heat pump is loud in the cold', 'App shows an old range', 'Rear camera stays dark', 'Question about the roof rack',
    'Wallbox reports error 12', 'Software update waits for hours', 'Seat heating on one side only', 'Winter tyres with sensors',
];
const CUT_MS = 4_000;
const COMMIT_TIME_STEP_MS = 1_000; // A commit's time comes in whole seconds.
const NUMBERS_EVERY_MS = 1_000;
const REQUEST_TIMEOUT_MS = 10_000;
const LATENCIES_MAX = 500;
const ARRIVALS_MAX = 1_500;
const EVENTS_MAX = 80;
const SIMULATION = { everyMs: 500, inFlightMax: 2, casesMin: 9, casesMax: 21, stopAfterMs: 10 * 60_000 };

const $ = (id) => document.getElementById(id);
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const wallClock = () => performance.timeOrigin + performance.now();

/** Puts text into an element, and marks it when that changed something. */
function put(element, text, isMarked) {
    if (element.textContent === text) return;
    element.textContent = text;
    if (isMarked) restart(element, 'touched');
}

/** Plays an element's animation from the start. */
function restart(element, name) {
    element.classList.remove(name);
    void element.offsetWidth; // Makes the browser notice that it was gone.
    element.classList.add(name);
}

/** What the demo's server says: addresses, the agent's session, the customers with their tokens (fresh ones each time). */
async function configuration() {
    const response = await fetch('/demo/config.json', { cache: 'no-store', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`the configuration's answer was HTTP ${response.status}`);
    return response.json();
}

// One customer's column

/** A WebSocket whose connection can be cut: it is dropped, and for some seconds no new one comes about. */
function cuttableWebSocket() {
    let current;
    let cutUntil = 0;
    return class CuttableWebSocket {
        #socket;
        #isGone = false;

        constructor(url, protocols) {
            current = this;
            this.protocol = '';
            if (performance.now() < cutUntil) {
                setTimeout(() => this.#drop(), 50);
                return;
            }
            const socket = this.#socket = new WebSocket(url, protocols);
            socket.onopen = (event) => {
                this.protocol = socket.protocol;
                if (!this.#isGone) this.onopen?.(event);
            };
            socket.onmessage = (event) => { if (!this.#isGone) this.onmessage?.(event); };
            socket.onerror = (event) => { if (!this.#isGone) this.onerror?.(event); };
            socket.onclose = (event) => { if (!this.#isGone) this.onclose?.(event); };
        }

        send(text) { this.#socket?.send(text); }

        close(code, reason) { this.#socket?.close(code, reason); }

        #drop() {
            this.#isGone = true;
            this.#socket?.close();
            this.onclose?.({ code: 1006, reason: 'cut by hand' });
        }

        static cut() {
            cutUntil = performance.now() + CUT_MS;
            current?.#drop();
        }
    };
}

class Column {
    constructor(customer, page, config) {
        this.customer = customer;
        this.page = page;
        this.records = new Map(); // Record id → { fields, changedAt }.
        this.items = new Map(); // Record id → list item.
        this.pending = new Map(); // Record id → names of fields that changed since the last frame.
        this.liveSince = Infinity;
        this.caughtUp = 0;
        this.build();
        this.socket = cuttableWebSocket();
        this.client = createMillrace({
            url: config.push_url, token: customer.token, tokenProvider: () => this.freshToken(), WebSocket: this.socket, backoffMax: 2_000,
            onState: (state, detail) => this.showState(state, detail),
        });
        this.client.onError((error) => this.note(error.message, 'bad'));
    }

    build() {
        const { name, account, contact_id: contactId } = this.customer;
        this.element = $('customer-template').content.cloneNode(true).firstElementChild;
        this.element.dataset.contactId = contactId;
        const part = (selector) => this.element.querySelector(selector);
        part('.avatar').textContent = name.split(/\s+/).map((word) => word[0]).join('').slice(0, 2).toUpperCase();
        part('h2').textContent = name;
        part('.account').textContent = account ?? '';
        this.element.setAttribute('aria-label', `Cases of ${name}`);
        [this.stateElement, this.noteElement, this.list, this.emptyElement, this.countElement]
            = ['.state', '.note', '.cases', '.empty', '.count'].map(part);
        this.cutButton = part('.cut');
        this.cutButton.title = `Drops this column's connection for ${CUT_MS / 1000} seconds; it resumes where it was`;
        this.cutButton.addEventListener('click', () => this.cut());
        this.showState('connecting', {});
    }

    /** A portal would sign one for the user who is logged in; the demo's server makes new ones with each configuration. */
    async freshToken() {
        const { customers } = await configuration();
        return customers.find((customer) => customer.contact_id === this.customer.contact_id).token;
    }

    async open() {
        try {
            this.subscription = await this.client.subscribe(CHANNEL, REPLAY_ALL, (message) => this.changed(message), {
                form: 'record',
                onLeft: (message) => this.left(message),
                onGap: (gap) => this.gap(gap),
                onSubscribed: () => { this.liveSince = wallClock(); },
            });
        } catch (error) {
            this.note(`${error.code}: ${error.message}`, 'bad');
        }
    }

    changed({ data }) {
        const arrivedAt = wallClock();
        const { ChangeEventHeader: header, ...fields } = data.payload;
        const isNews = header.commitTimestamp + COMMIT_TIME_STEP_MS > this.liveSince;
        this.page.heard(this, header.changeType, data, isNews ? arrivedAt : undefined, this.liveSince);
        if (this.resuming) this.caughtUp += 1;
        if (header.changeType === 'GAP_OVERFLOW') {
            this.reload('The org reported an overflow');
            return;
        }
        for (const id of header.recordIds) {
            if (header.changeType === 'DELETE' || header.changeType === 'GAP_DELETE') this.remove(id, isNews);
            else this.set(id, fields, header, isNews);
        }
    }

    left({ data }) {
        const header = data.payload.ChangeEventHeader;
        const isNews = header.commitTimestamp + COMMIT_TIME_STEP_MS > this.liveSince;
        this.page.heard(this, 'left', data, isNews ? wallClock() : undefined, this.liveSince);
        for (const id of header.recordIds) this.remove(id, isNews);
    }

    gap(gap) {
        this.page.heard(this, 'gap', gap);
        this.reload(`Events were lost (${gap.reason})`);
    }

    /** Begins the column anew, from all that is retained. */
    async reload(why) {
        if (this.reloadedAt !== undefined && performance.now() - this.reloadedAt < 5_000) return;
        this.reloadedAt = performance.now();
        this.note(`${why}: loading this column anew.`, 'warn');
        await this.client.unsubscribe(this.subscription);
        for (const id of [...this.records.keys()]) this.remove(id);
        await this.open();
    }

    cut() {
        this.wasCut = true;
        this.caughtUp = 0;
        this.socket.cut();
        this.cutButton.disabled = true;
        this.note('Connection cut. Change something meanwhile: it arrives when this column resumes.', 'warn');
    }

    set(id, fields, header, isNews) {
        const known = this.records.get(id);
        const changed = Object.keys(fields).filter((name) => JSON.stringify(fields[name]) !== JSON.stringify(known?.fields[name]));
        this.records.set(id, { fields: { ...known?.fields, ...fields }, changedAt: header.commitTimestamp });
        const names = this.pending.get(id) ?? new Set();
        if (isNews) for (const name of changed) names.add(name);
        this.pending.set(id, names);
        this.page.casesChanged();
        this.draw();
        if (isNews) {
            const { CaseNumber, Status } = this.records.get(id).fields;
            this.page.announce(`${this.customer.name}: case ${CaseNumber}${known ? '' : ' is new'}, ${Status ?? ''}`);
        }
    }

    /** What is news leaves visibly; what a replay takes back was never there. */
    remove(id, isNews = false) {
        if (!this.records.delete(id)) return;
        if (!isNews) {
            this.items.get(id)?.remove();
            this.items.delete(id);
        }
        this.page.casesChanged();
        this.draw();
    }

    draw() {
        if (this.isDrawing) return;
        this.isDrawing = true;
        requestAnimationFrame(() => {
            this.isDrawing = false;
            this.drawNow();
        });
    }

    drawNow() {
        for (const [id, item] of this.items) {
            if (this.records.has(id)) continue;
            this.items.delete(id);
            item.classList.add('leaving');
            setTimeout(() => item.remove(), 240);
        }
        for (const [id, names] of this.pending) this.drawCase(id, names);
        this.pending.clear();
        const open = [...this.records.values()].filter(({ fields }) => fields.Status !== 'Closed').length;
        put(this.countElement, `${this.records.size} ${this.records.size === 1 ? 'case' : 'cases'}, ${open} open`);
        this.emptyElement.hidden = this.records.size > 0 || this.client.state !== 'open';
    }

    drawCase(id, names) {
        const record = this.records.get(id);
        if (!record) return;
        const { CaseNumber = '', Subject = '', Status = '', Priority = '' } = record.fields;
        let item = this.items.get(id);
        const isNew = item === undefined;
        if (isNew) {
            item = $('case-template').content.cloneNode(true).firstElementChild;
            item.dataset.recordId = id;
            item.firstElementChild.addEventListener('click', () => this.page.desk.choose(id));
            this.items.set(id, item);
        }
        item.dataset.number = CaseNumber;
        item.toggleAttribute('data-closed', Status === 'Closed');
        const part = (selector) => item.querySelector(selector);
        put(part('.number'), CaseNumber);
        put(part('.subject'), Subject || '(no subject)', names.has('Subject') && !isNew);
        put(part('.status'), Status, names.has('Status') && !isNew);
        part('.status').dataset.value = Status;
        put(part('.priority'), Priority, names.has('Priority') && !isNew);
        part('.priority').dataset.value = Priority;
        this.drawTime(item, record);
        part('button').setAttribute('aria-pressed', String(this.page.desk.chosen === id));
        if (isNew) {
            const next = [...this.list.children].find((other) => !other.classList.contains('leaving') && other.dataset.number < CaseNumber);
            this.list.insertBefore(item, next ?? null);
        }
        if (names.size > 0) restart(item, isNew ? 'entered' : 'changed');
    }

    drawTime(item, record) {
        const element = item.querySelector('time');
        element.dateTime = new Date(record.changedAt).toISOString();
        const seconds = Math.max(0, Math.round((Date.now() - record.changedAt) / 1000));
        const [amount, unit] = seconds < 60 ? [seconds, 's'] : seconds < 3600 ? [Math.floor(seconds / 60), 'min'] : [Math.floor(seconds / 3600), 'h'];
        put(element, seconds < 5 ? 'just now' : `${amount} ${unit} ago`);
    }

    drawTimes() {
        for (const [id, item] of this.items) this.drawTime(item, this.records.get(id));
    }

    showState(state, detail) {
        const words = { idle: 'Starting', connecting: 'Connecting', open: 'Live', waiting: 'Reconnecting', closed: 'Closed' };
        this.stateElement.dataset.state = state;
        put(this.stateElement, words[state]);
        if (state === 'open' && this.wasCut) {
            this.wasCut = false;
            this.resuming = true;
            setTimeout(() => {
                this.resuming = false;
                this.cutButton.disabled = false;
                const changes = this.caughtUp === 1 ? 'one change' : `${this.caughtUp} changes`;
                this.note(this.caughtUp ? `Resumed and caught up on ${changes}.` : 'Resumed; nothing was missed.', 'good', 6_000);
            }, 700);
        }
        if (state === 'closed') this.note(detail.error?.message ?? 'Closed.', 'bad');
        if (state === 'open') this.draw?.();
    }

    note(text, kind, forMs) {
        clearTimeout(this.noteTimer);
        this.noteElement.textContent = text;
        this.noteElement.dataset.kind = kind;
        this.noteElement.hidden = false;
        if (forMs) this.noteTimer = setTimeout(() => { this.noteElement.hidden = true; }, forMs);
    }
}

// The org's REST API

class Org {
    constructor({ instance_url: instanceURL, access_token: accessToken, api_version: apiVersion }) {
        this.base = `${instanceURL}/services/data/v${apiVersion}/sobjects/Case`;
        this.accessToken = accessToken;
    }

    create(fields) { return this.call('POST', '', fields); }

    update(id, fields) { return this.call('PATCH', `/${id}`, fields); }

    delete(id) { return this.call('DELETE', `/${id}`); }

    async send(method, path, fields) {
        try {
            return await fetch(`${this.base}${path}`, {
                method, headers: { Authorization: `Bearer ${this.accessToken}`, ...(fields && { 'Content-Type': 'application/json' }) },
                body: fields && JSON.stringify(fields), signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
            });
        } catch (cause) {
            throw new Error(`The org does not answer: ${cause.message}`, { cause });
        }
    }

    async call(method, path, fields) {
        const startedAt = performance.now();
        let response = await this.send(method, path, fields);
        if (response.status === 401) { // The session is over; the demo's server has a new one.
            this.accessToken = (await configuration()).org.access_token;
            response = await this.send(method, path, fields);
        }
        this.onCall?.({ method, path: `Case${path}`, status: response.status, milliseconds: performance.now() - startedAt });
        if (response.ok) return response.status === 204 ? undefined : response.json();
        const [error] = await response.json().catch(() => [{ errorCode: `HTTP ${response.status}`, message: response.statusText }]);
        throw new Error(`${error.errorCode}: ${error.message}${error.fields?.length ? ` (${error.fields.join(', ')})` : ''}`);
    }
}

// The agent's desk

class Desk {
    constructor(page, org, customers) {
        Object.assign(this, { page, org, customers });
        org.onCall = (call) => this.showCall(call);
        const fill = (id, options) => $(id).replaceChildren(...options.map(([value, text]) => new Option(text, value)));
        fill('case-status', STATUSES.map((status) => [status, status]));
        for (const id of ['case-priority', 'create-priority']) fill(id, PRIORITIES.map((priority) => [priority, priority]));
        $('create-priority').value = 'Medium';
        for (const id of ['reassign-to', 'create-customer']) fill(id, customers.map(({ name, contact_id: contactId }) => [contactId, name]));
        $('case-select').addEventListener('change', () => this.choose($('case-select').value));
        for (const id of ['case-status', 'case-priority', 'case-subject', 'case-comment']) {
            $(id).addEventListener('input', () => { this.isEdited = true; });
        }
        $('change-form').addEventListener('submit', (event) => this.submit(event, () => this.save()));
        $('delete').addEventListener('click', () => this.run(() => org.delete(this.chosen)));
        $('reassign').addEventListener('click', () => this.run(() => org.update(this.chosen, { ContactId: $('reassign-to').value })));
        $('create-form').addEventListener('submit', (event) => this.submit(event, () => this.create()));
        $('simulate').addEventListener('change', () => this.simulate($('simulate').checked));
    }

    choose(id) {
        this.chosen = id;
        this.isEdited = false;
        this.showCases();
        for (const item of document.querySelectorAll('.case')) {
            item.firstElementChild.setAttribute('aria-pressed', String(item.dataset.recordId === id));
        }
    }

    /** The choice of cases, and the chosen one's values unless the agent is in the middle of changing them. */
    showCases() {
        const groups = this.page.columns.map((column) => {
            const group = document.createElement('optgroup');
            group.label = column.customer.name;
            const cases = [...column.records].sort(([, a], [, b]) => (a.fields.CaseNumber < b.fields.CaseNumber ? 1 : -1));
            group.append(...cases.map(([id, { fields }]) => new Option(`${fields.CaseNumber} ${fields.Subject ?? ''}`, id)));
            return group;
        });
        const select = $('case-select');
        const owner = this.page.columns.find((column) => column.records.has(this.chosen));
        if (document.activeElement !== select || !owner) select.replaceChildren(...groups);
        for (const id of ['save', 'delete', 'reassign']) $(id).disabled = !owner;
        if (!owner) {
            const first = select.options[0]?.value;
            if (first !== undefined) this.choose(first);
            return;
        }
        select.value = this.chosen;
        if (this.isEdited) return;
        const { fields } = owner.records.get(this.chosen);
        $('case-status').value = fields.Status ?? STATUSES[0];
        $('case-priority').value = fields.Priority ?? 'Medium';
        $('case-subject').value = fields.Subject ?? '';
        $('case-comment').value = fields.Description ?? '';
        const others = this.customers.filter((customer) => customer.contact_id !== owner.customer.contact_id);
        if (!others.some((customer) => customer.contact_id === $('reassign-to').value)) $('reassign-to').value = others[0]?.contact_id;
    }

    async save() {
        const fields = { Status: $('case-status').value, Priority: $('case-priority').value, Subject: $('case-subject').value };
        const comment = $('case-comment').value.trim();
        if (comment) fields.Description = comment;
        await this.org.update(this.chosen, fields);
        this.isEdited = false;
    }

    async create() {
        await this.org.create({
            Subject: $('create-subject').value, Priority: $('create-priority').value, Status: 'New', Origin: 'Web',
            ContactId: $('create-customer').value,
        });
        $('create-subject').value = '';
    }

    submit(event, action) {
        event.preventDefault();
        this.run(action);
    }

    async run(action) {
        try {
            await action();
            $('failure').hidden = true;
        } catch (error) {
            $('failure').textContent = error.message;
            $('failure').hidden = false;
        }
    }

    showCall({ method, path, status, milliseconds }) {
        const item = document.createElement('li');
        const parts = [['', method], ['path', path], [status < 400 ? 'good' : 'bad', String(status)], ['', `${milliseconds.toFixed(0)} ms`]];
        for (const [name, text] of parts) {
            const span = document.createElement('span');
            span.className = name;
            span.textContent = text;
            item.append(span);
        }
        $('calls').querySelector('.none')?.remove();
        $('calls').prepend(item);
        while ($('calls').children.length > 4) $('calls').lastElementChild.remove();
    }

    simulate(isOn) {
        clearInterval(this.simulation);
        $('simulate').checked = isOn;
        if (!isOn) return;
        const stopAt = performance.now() + SIMULATION.stopAfterMs;
        let inFlight = 0;
        this.simulation = setInterval(async () => {
            if (performance.now() > stopAt) this.simulate(false);
            else if (inFlight < SIMULATION.inFlightMax) {
                inFlight += 1;
                await this.run(() => this.randomChange());
                inFlight -= 1;
            }
        }, SIMULATION.everyMs);
    }

    async randomChange() {
        const owners = this.page.columns.flatMap((column) => [...column.records].map(([id, { fields }]) => ({ column, id, fields })));
        const { column, id, fields } = pick(owners) ?? {};
        const chance = Math.random();
        if (owners.length < SIMULATION.casesMin || (chance < 0.06 && owners.length < SIMULATION.casesMax)) {
            const { contact_id: ContactId } = pick(this.customers);
            await this.org.create({ Subject: pick(SUBJECTS), Status: 'New', Priority: pick(PRIORITIES), Origin: 'Web', ContactId });
        } else if (chance < 0.10 && owners.length > SIMULATION.casesMin) await this.org.delete(id);
        else if (chance < 0.18) {
            const { contact_id: ContactId } = pick(this.customers.filter((customer) => customer !== column.customer));
            await this.org.update(id, { ContactId });
        } else if (chance < 0.4) await this.org.update(id, { Priority: pick(PRIORITIES.filter((priority) => priority !== fields.Priority)) });
        else await this.org.update(id, { Status: pick(STATUSES.filter((status) => status !== fields.Status)) });
    }
}

// The numbers

class Numbers {
    constructor() {
        this.arrivals = []; // { replayId, at, liveSince }, until their commit is known.
        this.latencies = [];
    }

    arrived(replayId, at, liveSince) {
        this.arrivals.push({ replayId: String(replayId), at, liveSince });
        if (this.arrivals.length > ARRIVALS_MAX) this.arrivals.shift();
    }

    async poll() {
        try {
            const response = await fetch('/demo/numbers', { cache: 'no-store', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
            if (!response.ok) throw new Error(`HTTP ${response.status}`);
            this.show(await response.json());
            $('numbers').removeAttribute('data-stale');
        } catch {
            $('numbers').setAttribute('data-stale', ''); // The columns show their state themselves; the figures stay as they were.
        }
        setTimeout(() => this.poll(), NUMBERS_EVERY_MS);
    }

    show({ upstream_deliveries: upstream, client_deliveries: clients, direct_deliveries: direct, connections, commits }) {
        const count = (value) => value.toLocaleString('en-US');
        put($('number-upstream'), count(upstream));
        put($('number-clients'), count(clients));
        put($('number-saved'), count(Math.max(0, direct - upstream)));
        put($('number-connections'), count(connections));
        put($('wire-connections'), connections === 1 ? '1 connection' : `${count(connections)} connections`);
        const committedAt = new Map(commits.map(([replayId, at]) => [String(replayId), at]));
        this.arrivals = this.arrivals.filter(({ replayId, at, liveSince }) => {
            const commit = committedAt.get(replayId);
            if (commit === undefined) return true;
            if (commit >= liveSince) this.latencies.push(Math.max(0, at - commit)); // What was replayed says nothing of latency.
            return false;
        });
        this.latencies.splice(0, this.latencies.length - LATENCIES_MAX);
        this.showLatency();
    }

    showLatency() {
        if (this.latencies.length === 0) return;
        const sorted = [...this.latencies].sort((a, b) => a - b);
        const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
        const text = (value) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
        put($('number-p50'), text(at(0.5)));
        put($('number-p99'), text(at(0.99)));
        const recent = this.latencies.slice(-60);
        const top = Math.max(...recent, 1);
        const points = recent.map((value, index) => `${(index / Math.max(1, recent.length - 1)) * 120},${27 - (value / top) * 26}`);
        $('spark').firstElementChild.setAttribute('points', points.join(' '));
    }
}

// The raw events

const JSON_TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** JSON with its parts coloured, as nodes. */
function colouredJSON(value) {
    const pre = document.createElement('pre');
    const text = JSON.stringify(value, null, 2);
    let end = 0;
    const add = (name, part) => {
        const span = document.createElement('span');
        span.className = name;
        span.textContent = part;
        pre.append(span);
    };
    for (const match of text.matchAll(JSON_TOKENS)) {
        const [all, string, colon, number] = match;
        pre.append(text.slice(end, match.index));
        add(string ? (colon ? 'json-key' : 'json-string') : number ? 'json-number' : 'json-word', string ?? all);
        if (colon) pre.append(colon);
        end = match.index + all.length;
    }
    pre.append(text.slice(end));
    return pre;
}

class RawEvents {
    constructor(customers) {
        this.events = []; // Newest first.
        $('events-of').replaceChildren(new Option('all customers', ''),
            ...customers.map(({ name, contact_id: contactId }) => new Option(name, contactId)));
        $('events-of').addEventListener('change', () => this.showAll());
        $('events-hold').addEventListener('change', () => this.showAll());
        $('open-events').addEventListener('click', () => {
            $('events').showModal();
            this.showAll();
        });
        $('close-events').addEventListener('click', () => $('events').close());
        $('events').addEventListener('click', (event) => { if (event.target === $('events')) $('events').close(); });
    }

    add(event) {
        this.events.unshift(event);
        this.events.length = Math.min(this.events.length, EVENTS_MAX);
        if (!$('events').open || $('events-hold').checked || !this.isShown(event)) return;
        $('events-list').prepend(this.item(event));
        while ($('events-list').children.length > EVENTS_MAX) $('events-list').lastElementChild.remove();
    }

    isShown({ customer }) { return ['', customer.contact_id].includes($('events-of').value); }

    showAll() {
        $('events-list').replaceChildren(...this.events.filter((event) => this.isShown(event)).map((event) => this.item(event)));
    }

    item({ kind, customer, data, at }) {
        const item = document.createElement('li');
        const details = document.createElement('details');
        const summary = document.createElement('summary');
        const about = `${customer.name}${data.payload?.CaseNumber ? `, case ${data.payload.CaseNumber}` : ''}`;
        for (const [name, text] of [['kind', kind], ['about', about], ['place', `${data.event?.replayId ?? data.replayId ?? ''}`],
            ['place', at.toLocaleTimeString('en-GB')]]) {
            const span = document.createElement('span');
            span.className = name;
            span.textContent = text;
            summary.append(span);
        }
        summary.firstElementChild.dataset.kind = kind;
        details.append(summary);
        // Made when looked at: most never are.
        details.addEventListener('toggle', () => { if (details.children.length === 1) details.append(colouredJSON(data)); });
        item.append(details);
        return item;
    }
}

// The page

class Page {
    constructor(config) {
        this.numbers = new Numbers();
        this.raw = new RawEvents(config.customers);
        this.desk = new Desk(this, new Org(config.org), config.customers);
        this.columns = config.customers.map((customer) => new Column(customer, this, config));
        this.lastPulse = 0;
        this.lastAnnouncement = 0;
        $('org-name').textContent = config.org.name;
        $('customers').replaceChildren(...this.columns.map((column) => column.element));
        $('customers').removeAttribute('aria-busy');
        for (const column of this.columns) column.open();
        this.numbers.poll();
        setInterval(() => this.columns.forEach((column) => column.drawTimes()), 5_000);
    }

    /** Something came over a column's connection; `arrivedAt` where it is news. */
    heard(column, kind, data, arrivedAt, liveSince) {
        this.raw.add({ kind, customer: column.customer, data, at: new Date() });
        if (arrivedAt === undefined) return;
        this.numbers.arrived(data.event.replayId, arrivedAt, liveSince);
        this.pulse();
    }

    pulse() {
        const now = performance.now();
        if (now - this.lastPulse < 120 || document.hidden || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
        this.lastPulse = now;
        for (const [wire, delay] of [[$('wire-up'), 0], [$('wire-down'), 380]]) {
            const drop = document.createElement('span');
            drop.className = 'drop';
            wire.append(drop);
            const frames = [{ left: '0%', opacity: 0 }, { opacity: 1, offset: 0.15 }, { opacity: 1, offset: 0.85 }, { left: 'calc(100% - 8px)', opacity: 0 }];
            drop.animate(frames, { duration: 420, delay, easing: 'ease-in-out', fill: 'backwards' }).onfinish = () => drop.remove();
        }
    }

    /** For screen readers, and at most every three seconds: more would only be noise. */
    announce(text) {
        const now = performance.now();
        if (now - this.lastAnnouncement < 3_000) return;
        this.lastAnnouncement = now;
        $('announcements').textContent = text;
    }

    casesChanged() {
        if (this.isListing) return;
        this.isListing = true;
        requestAnimationFrame(() => {
            this.isListing = false;
            this.desk.showCases();
        });
    }
}

function themeSwitch() {
    const root = document.documentElement;
    const key = 'millrace-theme';
    const stored = localStorage.getItem(key);
    if (stored === 'light' || stored === 'dark') root.dataset.theme = stored;
    $('theme').addEventListener('click', () => {
        const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
        root.dataset.theme = isDark ? 'light' : 'dark';
        localStorage.setItem(key, root.dataset.theme);
    });
}

themeSwitch();
try {
    window.page = new Page(await configuration()); // Under a name, to be looked at from the browser's console.
} catch (error) {
    $('loading').textContent = `The demo's configuration could not be loaded: ${error.message}`;
}
