import Logging
import Store

extension ConfigurationKey {
    /// Every key there is, in the order of the documentation.
    static let all: [ConfigurationKey] = org + upstream + push + operations

    private static let org = [
        ConfigurationKey(
            path: "org.login_url", kind: .url, presence: .required,
            effect:
                "Where Millrace logs in: `https://login.salesforce.com`, `https://test.salesforce.com` or your domain"),
        ConfigurationKey(
            path: "org.client_id", kind: .text, presence: .required, effect: "Consumer key of the connected app"),
        ConfigurationKey(
            path: "org.username", kind: .text, presence: .required, effect: "The integration user that Millrace acts as"
        ),
        ConfigurationKey(
            path: "org.private_key_file", kind: .file, presence: .oneOf("this or `org.private_key_env`"),
            isSecret: true,
            effect: "RSA private key (PEM) that signs the login; the connected app holds its certificate"),
        ConfigurationKey(
            path: "org.private_key_env", kind: .environmentVariable, presence: .oneOf("this or `org.private_key_file`"),
            isSecret: true, effect: "The variable that holds the key (PEM)"),
        ConfigurationKey(
            path: "org.audience", kind: .text, presence: .follows("org.login_url"),
            effect: "`aud` of the signed login"),
        ConfigurationKey(
            path: "org.pubsub_address", kind: .address, presence: .defaults(to: "api.pubsub.salesforce.com:7443"),
            effect: "Where the Pub/Sub API is"),
        ConfigurationKey(
            path: "org.pubsub_plaintext", kind: .boolean, presence: .defaults(to: "false"),
            effect: "Speak to the Pub/Sub API without TLS; only for a sandbox on this machine"),
        ConfigurationKey(
            path: "org.ca_file", kind: .file, presence: .optional,
            effect: "Certificates (PEM) to trust instead of the system's; for a sandbox's development authority"),
    ]

    private static let upstream = [
        ConfigurationKey(
            path: "topics", kind: .list(of: "topics"), presence: .defaults(to: "[/data/ChangeEvents]"),
            effect: "What Millrace subscribes to, once each; `/data/ChangeEvents` holds every selected object"),
        ConfigurationKey(
            path: "track", kind: .objects, presence: .defaults(to: "all"),
            effect: "Objects whose records are kept, so that conditions may use unchanged fields and `left` is known"),
        ConfigurationKey(
            path: "objects", kind: .replicas, presence: .optional,
            effect:
                "Objects that are replicated: loaded whole, kept whole, each in a table of its own, with `fields: all` or a list; "
                + "`poll: 5m` asks the org for what has changed (objects without change events), `refresh_formulas: 1h` reads formulas anew, `history: 365d` (or `true`) keeps what the records were"
        ),
        ConfigurationKey(
            path: "sync.overlap", kind: .duration(.seconds(0)...(.seconds(7 * 86_400))), presence: .defaults(to: "10m"),
            effect:
                "Polls, and readings after lost events, go back so long behind what was seen: longer than the org's longest transaction"
        ),
        ConfigurationKey(
            path: "sync.chunk_rows", kind: .integer(1...100_000_000), presence: .defaults(to: "1000000"),
            effect: "Objects with more rows are read in chunks of about so many, by ranges of their ids"),
        ConfigurationKey(
            path: "api.calls_per_day_max", kind: .integer(1...100_000_000), presence: .optional,
            effect: "API calls that Millrace makes within 24 hours at most; left out: what the org's allowance leaves"),
        ConfigurationKey(
            path: "api.reserve_percent", kind: .integer(0...99), presence: .defaults(to: "10"),
            effect: "Of the org's daily API allowance, what Millrace leaves to others"),
        ConfigurationKey(
            path: "reconcile.every", kind: .duration(.seconds(60)...(.seconds(365 * 86_400))), presence: .optional,
            effect:
                "How often each replicated object is compared with the org, by counts; left out: polled ones once a day, others only by `millrace sync reconcile`"
        ),
        ConfigurationKey(
            path: "reconcile.deep_every", kind: .duration(.seconds(60)...(.seconds(365 * 86_400))),
            presence: .optional,
            effect: "The same with every value of every row; it takes the place of one by counts"),
        ConfigurationKey(
            path: "reconcile.settle", kind: .duration(.seconds(1)...(.seconds(3_600))), presence: .defaults(to: "15s"),
            effect:
                "What differs is looked at again after this time, and once more: an event that is late by less is no drift"
        ),
        ConfigurationKey(
            path: "channels", kind: .channels, presence: .optional,
            effect:
                "Channels of Millrace's own: name (`/data/Name__chn`) to members, each with `selected_entity` and, where not "
                + "all of its events are meant, `filter_expression`"),
        ConfigurationKey(
            path: "store.path", kind: .path, presence: .defaults(to: "millrace.sqlite"),
            effect: "The database file (log, records, cursors); its directory must exist"),
        ConfigurationKey(
            path: "store.url_file", kind: .file, presence: .oneOf("for PostgreSQL: this or `store.url_env`"),
            isSecret: true,
            effect: "A PostgreSQL database instead of the file: `postgres://user:password@host:5432/database`"),
        ConfigurationKey(
            path: "store.url_env", kind: .environmentVariable,
            presence: .oneOf("for PostgreSQL: this or `store.url_file`"), isSecret: true,
            effect: "The variable that holds it instead"),
        ConfigurationKey(
            path: "store.timestamp_type", kind: .choice(PostgresStore.TimestampType.allCases.map(\.rawValue)),
            presence: .defaults(to: PostgresStore.TimestampType.withTimeZone.rawValue),
            effect: "Type of new columns with a date and time on PostgreSQL; `timestamp`, in UTC, is Heroku Connect's"),
        ConfigurationKey(
            path: "store.retention", kind: .duration(.seconds(60)...(.seconds(365 * 86_400))),
            presence: .defaults(to: "72h"),
            effect: "How long events can be replayed"),
        ConfigurationKey(
            path: "store.log_size_max", kind: .size(1_048_576...(1 << 50)), presence: .optional,
            effect: "Drops the oldest events before their time when payloads pass this size"),
        ConfigurationKey(
            path: "listen.host", kind: .text, presence: .defaults(to: "127.0.0.1"),
            effect: "Address the HTTP port binds to; `0.0.0.0` for all"),
        ConfigurationKey(
            path: "listen.port", kind: .integer(0...65_535), presence: .defaults(to: "8080"),
            effect: "The HTTP port; 0 chooses a free one"),
        ConfigurationKey(
            path: "listen.certificate_file", kind: .file, presence: .optional,
            effect: "Certificate chain (PEM) of that port, which then speaks TLS; with `listen.private_key_file`"),
        ConfigurationKey(
            path: "listen.private_key_file", kind: .file, presence: .optional,
            effect: "The certificate's private key (PEM)"),
        ConfigurationKey(
            path: "pubsub.port", kind: .integer(0...65_535), presence: .optional,
            effect: "Serves the Pub/Sub API (gRPC) to clients here; 0 chooses a free one. Left out: it is not served"),
        ConfigurationKey(
            path: "pubsub.host", kind: .text, presence: .defaults(to: "127.0.0.1"),
            effect: "Address that port binds to"),
        ConfigurationKey(
            path: "pubsub.certificate_file", kind: .file, presence: .optional,
            effect: "Certificate chain (PEM) of that port, which then speaks TLS; with `pubsub.private_key_file`"),
        ConfigurationKey(
            path: "pubsub.private_key_file", kind: .file, presence: .optional,
            effect: "The certificate's private key (PEM)"),
    ]

    private static let push = [
        ConfigurationKey(
            path: "push.origins", kind: .list(of: "origins"), presence: .defaults(to: "[]"),
            effect:
                "Pages that may connect, as `https://host[:port]`; none by default. "
                + "Programs that send no origin are not concerned"
        ),
        ConfigurationKey(
            path: "push.tokens.algorithm", kind: .choice(Configuration.Tokens.Algorithm.allCases.map(\.rawValue)),
            presence: .required, effect: "The one algorithm that tokens may be signed with"),
        ConfigurationKey(
            path: "push.tokens.secret_file", kind: .file, presence: .oneOf("HS256: this or `push.tokens.secret_env`"),
            isSecret: true, effect: "The shared secret, 32 bytes or more; a line break at its end is dropped"),
        ConfigurationKey(
            path: "push.tokens.secret_env", kind: .environmentVariable,
            presence: .oneOf("HS256: this or `push.tokens.secret_file`"), isSecret: true,
            effect: "The variable that holds the shared secret"),
        ConfigurationKey(
            path: "push.tokens.public_key_file", kind: .file,
            presence: .oneOf("RS256, ES256: this or `push.tokens.jwks_url`"),
            effect: "The public key (PEM)"),
        ConfigurationKey(
            path: "push.tokens.jwks_url", kind: .url,
            presence: .oneOf("RS256, ES256: this or `push.tokens.public_key_file`"),
            effect:
                "Where the issuer publishes its keys (JWKS): fetched at start, every 10 minutes, and when a token names "
                + "an unknown key"),
        ConfigurationKey(
            path: "push.tokens.issuer", kind: .text, presence: .required,
            effect: "`iss` that a token must have, exactly"),
        ConfigurationKey(
            path: "push.tokens.audience", kind: .text, presence: .required,
            effect: "`aud` that a token must have, exactly"),
        ConfigurationKey(
            path: "push.heartbeat", kind: .duration(.seconds(1)...(.seconds(600))), presence: .defaults(to: "25s"),
            effect: "A ping comes at least this often"),
        ConfigurationKey(
            path: "push.access_token_in_query", kind: .boolean, presence: .defaults(to: "false"),
            effect: "Accept `access_token` in the query, for bare `EventSource`; URLs end up in other people's logs"),
        ConfigurationKey(
            path: "push.authentication_timeout", kind: .duration(.seconds(1)...(.seconds(300))),
            presence: .defaults(to: "10s"),
            effect: "How long a connection may stay without a token"),
        ConfigurationKey(
            path: "push.message_size_max", kind: .size(1_024...16_777_216), presence: .defaults(to: "64KiB"),
            effect: "Longest message a client may send (close code 1009)"),
        ConfigurationKey(
            path: "push.compression", kind: .boolean, presence: .defaults(to: "true"),
            effect:
                "Agrees to `permessage-deflate` where a client offers it; a frame is compressed once for all who get it"
        ),
        ConfigurationKey(
            path: "push.subscriptions_per_connection", kind: .integer(1...10_000), presence: .defaults(to: "64"),
            effect: "Channels one connection may subscribe to"),
        ConfigurationKey(
            path: "push.connections_max", kind: .integer(1...1_000_000), presence: .defaults(to: "10000"),
            effect: "Connections in all; the process's limit of open files must allow them"),
        ConfigurationKey(
            path: "push.connections_per_subject_max", kind: .integer(1...1_000_000), presence: .defaults(to: "100"),
            effect: "Connections with one `sub` in their tokens (close code 4429)"),
        ConfigurationKey(
            path: "push.connections_per_address_max", kind: .integer(0...1_000_000), presence: .defaults(to: "0"),
            effect:
                "Connections from one address, of IPv6 from one network of 64 bits (HTTP status 429); 0: no bound. Behind a proxy all clients have the proxy's address"
        ),
        ConfigurationKey(
            path: "push.queue_frames_max", kind: .integer(1...1_000_000), presence: .defaults(to: "64"),
            effect: "Frames that may wait for a slow client before it is parked or conflated"),
    ]

    private static let operations = [
        ConfigurationKey(
            path: "admin.secret_file", kind: .file, presence: .oneOf("for `/admin`: this or `admin.secret_env`"),
            isSecret: true,
            effect: "The administrator's secret, 32 bytes or more, for `/admin`; without one there is no `/admin`"),
        ConfigurationKey(
            path: "admin.secret_env", kind: .environmentVariable,
            presence: .oneOf("for `/admin`: this or `admin.secret_file`"), isSecret: true,
            effect: "The variable that holds it instead"),
        ConfigurationKey(
            path: "log.level", kind: .choice(Logger.Level.allCases.map(\.rawValue)), presence: .defaults(to: "info"),
            effect: "The least severe that is logged"),
        ConfigurationKey(
            path: "log.format", kind: .choice(Configuration.Log.Format.allCases.map(\.rawValue)),
            presence: .defaults(to: "text"), effect: "Lines for people or for a log collector"),
        ConfigurationKey(
            path: "shutdown.drain_timeout", kind: .duration(.zero...(.seconds(600))), presence: .defaults(to: "30s"),
            effect: "How long a stop waits for what is in flight"),
        ConfigurationKey(
            path: "shutdown.lame_duck", kind: .duration(.zero...(.seconds(600))), presence: .defaults(to: "0s"),
            effect:
                "How long a stop serves on before that, while `/ready` says no: so long a load balancer needs to notice"
        ),
    ]
}
