// A customer's cases, kept up to date: loaded once, then changed by events; without events, loaded every minute.
//
// No import and no Salesforce module in here, so that it runs in node and in any page. All exports are in the last statement.

const REPLAY_NEW = -1;

/** Milliseconds. */
const DEFAULTS = Object.freeze({
    pollEvery: 60_000, // While events cannot come.
    retryLiveAfter: 300_000, // From giving events up to the next try.
    changedFor: 5_000, // How long a case is marked after a change.
});

/** Fields of a case that are shown. What an event holds beside them (its header) is no field. */
const FIELDS = ['CaseNumber', 'Subject', 'Status', 'Priority'];

const CLOCK = {
    setTimeout: (action, delay) => globalThis.setTimeout(action, delay),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
};

/**
 * `library()` gives millrace.js, `connect()` `{url, channel, token}` for this user, `load()` the cases; all three may fail, and
 * then the cases are polled. `onChange(view)` gets `{state, cases, isLoaded, message}` after each change.
 *
 * States: `loading` → `live` ⇄ `reconnecting`, and `polling` when events cannot come; from there a new try for `live`.
 */
class LiveCases {
    #options;
    #clock;
    #cases = new Map();
    #changed = new Map(); // Case id → the timer that ends its mark.
    #state = 'loading';
    #isLoaded = false;
    #message;
    #client;
    #attempt = 0; // Told apart from an earlier one whose answers come late.
    #loading; // The load under way.
    #isStale = false; // What it reads may be too old: once more.
    #waiting; // Events that came during it: { id, fields } or { id } for a case that has left.
    #timers = {};
    #isStopped = false;

    constructor(options) {
        this.#options = { ...DEFAULTS, ...options };
        this.#clock = options.clock ?? CLOCK;
    }

    async start() {
        const attempt = ++this.#attempt;
        try {
            const [{ createMillrace }, connection] = await Promise.all([this.#options.library(), this.#options.connect()]);
            if (this.#isStopped || attempt !== this.#attempt) return;
            this.#client = this.#open(createMillrace, connection);
            // First the subscription, then the state: what changes in between comes as an event.
            await this.#client.subscribe(
                connection.channel,
                REPLAY_NEW,
                (message) => this.#received(message),
                {
                    form: 'record',
                    onLeft: (message) => this.#left(message),
                    onGap: () => this.refresh(),
                },
            );
        } catch {
            // The server said why to onState; the customer needs the cases, not the reason.
            if (this.#isStopped || attempt !== this.#attempt) return;
            this.#giveUp();
        }
        await this.refresh();
    }

    stop() {
        this.#isStopped = true;
        this.#client?.close();
        for (const timer of [...Object.values(this.#timers), ...this.#changed.values()]) this.#clock.clearTimeout(timer);
    }

    /** Loads the cases anew. Asked while a load is under way, it loads once more: that one may have read too early. */
    refresh() {
        this.#isStale = this.#loading !== undefined;
        this.#loading ??= this.#loadUntilFresh().finally(() => {
            this.#loading = undefined;
        });
        return this.#loading;
    }

    #open(createMillrace, connection) {
        let first = connection.token;
        const client = createMillrace({
            url: connection.url,
            tokenProvider: async () => {
                const token = first ?? (await this.#options.connect()).token;
                first = undefined;
                return token;
            },
            onState: (state, detail) => {
                if (client !== this.#client && this.#client) return;
                if (state === 'open') this.#show('live');
                else if (state === 'closed' && detail?.error) this.#giveUp();
                else if (state === 'waiting' && this.#state === 'live') this.#show('reconnecting');
            },
        });
        return client;
    }

    /** Events cannot come: load every minute, and try again later. */
    #giveUp() {
        this.#client?.close();
        this.#client = undefined;
        this.#show('polling');
        this.#poll();
        this.#after('retry', this.#options.retryLiveAfter, () => this.start());
    }

    #poll() {
        this.#after('poll', this.#options.pollEvery, async () => {
            await this.refresh();
            if (this.#state === 'polling') this.#poll();
        });
    }

    async #loadUntilFresh() {
        do {
            this.#isStale = false;
            await this.#load();
        } while (this.#isStale && !this.#isStopped);
    }

    async #load() {
        this.#waiting = [];
        try {
            const loaded = await this.#options.load();
            this.#cases = new Map(loaded.map((item) => [item.Id, pick(item, item.Id)]));
            this.#isLoaded = true;
            this.#message = undefined;
            const waiting = this.#waiting;
            this.#waiting = undefined;
            for (const event of waiting) this.#apply(event);
        } catch {
            // What is shown stays; a failed first load is tried again with the next poll.
            this.#waiting = undefined;
            this.#message = this.#isLoaded ? 'Your cases could not be refreshed.' : 'Your cases could not be loaded.';
            if (this.#state !== 'polling') this.#after('reload', this.#options.pollEvery, () => this.refresh());
        }
        this.#show();
    }

    #received(message) {
        const { ChangeEventHeader: header, ...fields } = message.data.payload;
        // A gap event says that a case changed, not how.
        if (header.changeType.startsWith('GAP_')) return void this.refresh();
        for (const id of header.recordIds) {
            this.#take(header.changeType === 'DELETE' ? { id } : { id, fields });
        }
    }

    #left(message) {
        for (const id of message.data.payload.ChangeEventHeader.recordIds) this.#take({ id });
    }

    #take(event) {
        if (this.#waiting) this.#waiting.push(event);
        else {
            this.#apply(event);
            this.#show();
        }
    }

    #apply({ id, fields }) {
        if (!fields) {
            this.#cases.delete(id);
            return;
        }
        this.#cases.set(id, { ...this.#cases.get(id), ...pick(fields, id) });
        this.#clock.clearTimeout(this.#changed.get(id));
        this.#changed.set(
            id,
            this.#clock.setTimeout(() => {
                this.#changed.delete(id);
                this.#show();
            }, this.#options.changedFor),
        );
    }

    #after(name, delay, action) {
        this.#clock.clearTimeout(this.#timers[name]);
        this.#timers[name] = this.#clock.setTimeout(() => {
            if (!this.#isStopped) action();
        }, delay);
    }

    #show(state = this.#state) {
        if (this.#isStopped) return;
        if (state === 'live') {
            this.#clock.clearTimeout(this.#timers.poll);
            this.#clock.clearTimeout(this.#timers.retry);
        }
        this.#state = state;
        const cases = [...this.#cases.values()].map((item) => ({ ...item, isChanged: this.#changed.has(item.Id) }));
        cases.sort((a, b) => (b.CaseNumber ?? '').localeCompare(a.CaseNumber ?? ''));
        this.#options.onChange({ state, cases, isLoaded: this.#isLoaded, message: this.#message });
    }
}

/** The shown fields that are there, and the id. */
function pick(fields, Id) {
    const entries = FIELDS.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]);
    return { Id, ...Object.fromEntries(entries) };
}

export { LiveCases };
