import Doors
import Logging
import Store
import Twin

/// What `millrace run --config FILE` works by: every key of the file with its default filled in, paths resolved,
/// secrets read.
///
/// Made by `Configuration.load`, which refuses a file with any mistake; a value of this type has passed every check
/// that can be made without the network. Immutable by convention once the program runs. `docs/configuration.md`
/// documents the keys.
struct Configuration: Sendable {
    /// The org and how to log in to it (OAuth 2.0 JWT bearer flow).
    struct Org: Sendable {
        /// Without a slash at the end: `https://login.salesforce.com`.
        var loginURL: String
        var clientID: String
        var username: String
        /// An RSA private key in PEM form.
        var privateKey: Secret
        /// `aud` of the assertion.
        var audience: String
        var pubSubAddress: Address
        /// No TLS on the Pub/Sub connection: for a sandbox on this machine.
        var isPubSubPlaintext: Bool
        /// Certificates (PEM) trusted instead of the system's, for both connections.
        var certificateAuthorityFile: String?
    }

    struct Address: Hashable, Sendable {
        var host: String
        var port: Int
    }

    struct Store: Sendable {
        enum Location: Sendable {
            /// SQLite.
            case file(String)
            /// PostgreSQL: its address, with the password.
            case database(url: Secret, timestamps: PostgresStore.TimestampType)
        }

        var location: Location
        var retention: Duration
        /// Payload bytes; nil: retention alone limits the log.
        var logBytesMax: Int?
    }

    /// A port of ours.
    struct Listener: Hashable, Sendable {
        struct Certificate: Hashable, Sendable {
            var chainFile: String
            var privateKeyFile: String
        }

        var address: Address
        /// Nil: without TLS.
        var certificate: Certificate?
    }

    struct Push: Sendable {
        /// Origins of pages that may connect (`https://app.example.com`); others are refused. Empty: no page may.
        var origins: [String]
        var tokens: Tokens
        var heartbeat: Duration
        /// Accept the token as a query parameter, for bare `EventSource`.
        var allowsTokenInQuery: Bool
        var authenticationTimeout: Duration
        var messageBytesMax: Int
        /// `permessage-deflate` for clients that offer it.
        var compresses: Bool
        var subscriptionsPerConnectionMax: Int
        var connectionsMax: Int
        var connectionsPerSubjectMax: Int
        /// 0: no bound.
        var connectionsPerAddressMax: Int
        var queueFramesMax: Int
    }

    /// How tokens of clients are checked.
    struct Tokens: Sendable {
        enum Key: Sendable {
            /// HS256.
            case secret(Secret)
            /// RS256 or ES256, the public key in PEM form.
            case publicKey(pem: String)
            /// RS256 or ES256, keys fetched from here.
            case jwks(url: String)
        }

        enum Algorithm: String, CaseIterable, Sendable {
            case hs256 = "HS256"
            case rs256 = "RS256"
            case es256 = "ES256"
        }

        var algorithm: Algorithm
        var key: Key
        var issuer: String
        var audience: String
    }

    /// Bounds of what is asked of the org's REST and Bulk APIs.
    struct API: Hashable, Sendable {
        /// Within 24 hours; nil: as many as the org's allowance leaves.
        var callsPerDayMax: Int?
        /// Of the org's daily allowance, for others.
        var reservePercent: Int
    }

    /// How replicated objects are read.
    struct Sync: Sendable, Hashable {
        /// How far polls and readings after lost events go back.
        var overlap: Duration = .seconds(600)
        /// Rows of a chunk of a large object.
        var chunkRows = 1_000_000
    }

    /// How replicated objects are compared with the org.
    struct Reconcile: Hashable, Sendable {
        /// Nil: only when it is asked for.
        var every: Duration?
        /// The same of those that compare every value.
        var deepEvery: Duration?
        /// Between two looks at what differs.
        var settle: Duration
    }

    struct Log: Hashable, Sendable {
        enum Format: String, CaseIterable, Sendable {
            case text
            case json
        }

        var level: Logger.Level
        var format: Format
    }

    var org: Org
    /// Upstream topics; never one inside another.
    var topics: [String]
    var store: Store
    var listen: Listener
    /// Nil: there is no Pub/Sub API.
    var pubSub: Listener?
    var push: Push
    /// Channels beside those of the org.
    var channels: VirtualChannels
    /// Objects whose records are kept, replicated ones among them; nil: all.
    var trackedObjects: Set<String>?
    /// Objects that are loaded, and kept whole.
    var replicatedObjects: [ReplicatedObject]
    var api: API
    var sync: Sync
    var reconcile: Reconcile
    /// By object, the fields that are kept; of objects that are not named here all are.
    var keptFields: [String: Set<String>] {
        Dictionary(
            uniqueKeysWithValues: replicatedObjects.compactMap { object in
                object.keptFields.map { (object.name, $0) }
            })
    }
    /// For `/admin`; nil: there is none.
    var adminSecret: Secret?
    var log: Log
    /// How long a stop waits for what is in flight.
    var drainTimeout: Duration
    /// Not ready, and serving as before, before the drain begins.
    var lameDuck: Duration
}
