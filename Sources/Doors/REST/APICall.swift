/// One call that the org has answered: a line of its event log file `ApiTotalUsage`.
public struct APICall: Sendable {
    /// The column `API_FAMILY`.
    public enum Family: String, Sendable {
        case rest = "REST"
        case soap = "SOAP"
        case bulk = "Bulk"
        /// No column of an org knows it: there the OData providers are elsewhere.
        case odata = "OData"
    }

    public var family: Family
    /// The path below `/services/data`, without its query: `/v66.0/sobjects/Account`; of OData the whole path.
    public var resource: String
    /// `POST`
    public var method: String
    /// `66.0`
    public var version: String
    public var status: Int
    /// `Account`; empty where no single object is concerned.
    public var entity: String
    /// Nil where the caller could not be told.
    public var session: OrgSession?
    /// `client=` of `Sforce-Call-Options`.
    public var clientName: String?
    public var clientAddress: String
    /// The value of the answer's `X-Request-Id`.
    public var requestID: String
    public var countsAgainstLimit: Bool

    public init(
        family: Family, resource: String, method: String, version: String, status: Int, entity: String = "",
        session: OrgSession?, clientName: String? = nil, clientAddress: String = ConnectionPeer.address,
        requestID: String = RequestID.random(), countsAgainstLimit: Bool = true
    ) {
        self.family = family
        self.resource = resource
        self.method = method
        self.version = version
        self.status = status
        self.entity = entity
        self.session = session
        self.clientName = clientName
        self.clientAddress = clientAddress
        self.requestID = requestID
        self.countsAgainstLimit = countsAgainstLimit
    }
}

/// The number that a request goes by in the org's logs.
public enum RequestID {
    /// 32 hexadecimal digits.
    public static func random() -> String {
        let digits = StaticHex.digits
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for half in 0..<2 {
                var bits = UInt64.random(in: 0 ... .max)
                for index in 0..<16 {
                    buffer[half * 16 + index] = digits[Int(bits & 15)]
                    bits >>= 4
                }
            }
            return 32
        }
    }

    private enum StaticHex {
        static let digits = Array("0123456789abcdef".utf8)
    }
}

/// The other end of the connection whose requests the task serves.
public enum ConnectionPeer {
    /// Numeric, without the port; empty where there is no connection.
    @TaskLocal public static var address = ""
}
