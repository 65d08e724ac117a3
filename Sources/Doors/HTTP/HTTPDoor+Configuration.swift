public import NIOCore

extension HTTPDoor {
    /// Where and how a door listens.
    public struct Configuration: Sendable {
        /// An address of this machine, or a name of one: `127.0.0.1`, `::1`, `0.0.0.0`, `localhost`.
        public var host: String
        /// 0: the kernel chooses; `HTTPDoor.listening` tells.
        public var port: Int
        /// Nil: plaintext.
        public var tls: DoorTLS?
        /// Origins of web pages that may call; see `CORSAllowList`.
        public var corsOrigins: [String]
        public var limits: Limits

        public init(
            host: String = "127.0.0.1", port: Int = 0, tls: DoorTLS? = nil, corsOrigins: [String] = [],
            limits: Limits = Limits()
        ) {
            self.host = host
            self.port = port
            self.tls = tls
            self.corsOrigins = corsOrigins
            self.limits = limits
        }
    }

    /// What a client may take of the door's memory and patience.
    public struct Limits: Sendable {
        /// The longest request target; beyond it 414. Salesforce's figure.
        public var targetBytesMax = 16_384
        /// Names and values of a request's headers together; beyond it 431. Salesforce's figure.
        public var headerBytesMax = 16_384
        public var headerCountMax = 200
        /// The largest request body; beyond it 413.
        public var bodyBytesMax = 8 << 20
        /// The same for the rows of a bulk job, which go to a file as they come: 150 MB.
        public var uploadBytesMax = 150_000_000
        /// The same for a batch of Bulk API 1.0: Salesforce's 10 MB.
        public var batchBytesMax = 10 << 20
        /// From a request's head to the end of its body; beyond it 408.
        public var requestTimeout = TimeAmount.seconds(60)
        /// The same for the rows of a bulk job.
        public var uploadTimeout = TimeAmount.minutes(10)
        /// How long a connection may be open without a complete request's head.
        public var idleTimeout = Duration.seconds(60)
        /// How long a client may not read what it has asked for.
        public var writeStallTimeout = TimeAmount.seconds(60)

        /// How long, after the last response, the door waits for the client to close its side.
        static let lingerTimeout = TimeAmount.seconds(2)

        public init() {}
    }
}

/// The certificate that a door shows, as PEM files; read when the door opens.
public struct DoorTLS: Sendable {
    /// The server's certificate first, then the rest of its chain.
    public var certificateChainFile: String
    public var privateKeyFile: String

    public init(certificateChainFile: String, privateKeyFile: String) {
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
    }
}
