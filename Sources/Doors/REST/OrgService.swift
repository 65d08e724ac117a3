/// A value of a JSON document, numbers as written (so that no digit is lost).
public enum JSONValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    /// The literal text of the number.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Members in their order.
    case object([Member])

    public struct Member: Sendable, Hashable {
        public var name: String
        public var value: JSONValue
        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }
}

/// Who calls and how: goes into `changeOrigin`, audit and limits.
public struct CallContext: Sendable {
    public var session: OrgSession
    /// `66.0`
    public var apiVersion: String
    /// `client=` of `Sforce-Call-Options`.
    public var clientName: String?
    /// Characters of a client's name. What is longer is cut: it stands in every change event of the call, and in the log of calls
    /// even where nobody has logged in.
    static let clientNameMax = 255
    /// The API as `changeOrigin` names it: `rest`, `soap`.
    public var api: String
    public init(session: OrgSession, apiVersion: String, clientName: String?, api: String = "rest") {
        self.session = session
        self.apiVersion = apiVersion
        self.clientName = clientName
        self.api = api
    }
}

public struct OrgSession: Sendable, Hashable {
    public var accessToken: String
    public var userID: String
    public var username: String
    public var organizationID: String
    public var clientID: String
    public init(accessToken: String, userID: String, username: String, organizationID: String, clientID: String) {
        self.accessToken = accessToken
        self.userID = userID
        self.username = username
        self.organizationID = organizationID
        self.clientID = clientID
    }
}

/// What the doors need of the org behind them as a whole: who calls, and how much he may; the sandbox is one. What a
/// request does to records is `RecordService`'s.
public protocol OrgService: Sendable {
    /// Throws `INVALID_SESSION_ID` (401).
    func session(accessToken: String) async throws(OrgError) -> OrgSession
    /// Counts the call against the org's and the connected app's allowance; throws `REQUEST_LIMIT_EXCEEDED` (403) once it
    /// is used up, or while too many calls run for long. Answers `api-usage=18/5000` for `Sforce-Limit-Info`. The call runs
    /// until it is recorded, by its number.
    func countCall(_ session: OrgSession, requestID: String) async throws(OrgError) -> String
    /// Notes a call that is over, answered or not, for the org's event log file `ApiTotalUsage`. Returns at once.
    func record(_ call: APICall)
    /// `https://login…/id/00D…/005…`
    func identityURL(of session: OrgSession) -> String
    /// The document of `GET /limits`.
    func limits(context: CallContext) async throws(OrgError) -> JSONValue
}

/// One entry of a REST error array, with the HTTP status.
public struct OrgError: Error, Sendable, Hashable {
    public var status: Int
    /// `REQUIRED_FIELD_MISSING`
    public var errorCode: String
    public var message: String
    public var fields: [String]?
    /// The JSON member whose value could not be read, where that is what was wrong: the door adds its place in the text.
    public var unreadableMember: String?
    /// Paths of the records that an external id fits, with status 300.
    public var choices: [String]?
    public init(
        status: Int, errorCode: String, message: String, fields: [String]? = nil, unreadableMember: String? = nil,
        choices: [String]? = nil
    ) {
        self.status = status
        self.errorCode = errorCode
        self.message = message
        self.fields = fields
        self.unreadableMember = unreadableMember
        self.choices = choices
    }
}
