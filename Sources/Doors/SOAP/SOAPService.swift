/// What the SOAP door needs of the org behind it.
public protocol SOAPService: Sendable {
    /// `authority`: the host and port that the client called, which its session's address follows.
    func login(
        username: String, password: String, apiVersion: Int, authority: String, clientName: String?
    ) async throws(SOAPFault) -> SOAPLogin
    func soapSession(_ sessionID: String) async throws(SOAPFault) -> OrgSession
    func logout(_ session: OrgSession) async throws(SOAPFault)
    func soapUserInfo(_ session: OrgSession) async throws(SOAPFault) -> SOAPUserInfo
    /// Milliseconds since 1970.
    func serverTime() -> Int64
    /// As for REST: every call but a login counts, and all of them are noted.
    func countCall(_ session: OrgSession, requestID: String) async throws(OrgError) -> String
    func record(_ call: APICall)
}

/// The answer to `login()`.
public struct SOAPLogin: Sendable, Hashable {
    /// `https://x.my.salesforce.com`, before `/services/Soap`.
    public var instanceURL: String
    public var sessionID: String
    public var isSandbox: Bool
    public var user: SOAPUserInfo
    public init(instanceURL: String, sessionID: String, isSandbox: Bool, user: SOAPUserInfo) {
        self.instanceURL = instanceURL
        self.sessionID = sessionID
        self.isSandbox = isSandbox
        self.user = user
    }
}

/// `userInfo`: what a client may know of itself.
public struct SOAPUserInfo: Sendable, Hashable {
    public var organizationID: String
    public var organizationName: String
    public var profileID: String
    public var sessionSecondsValid: Int
    public var email: String
    public var fullName: String
    public var userID: String
    public var username: String
    public init(
        organizationID: String, organizationName: String, profileID: String, sessionSecondsValid: Int, email: String,
        fullName: String, userID: String, username: String
    ) {
        self.organizationID = organizationID
        self.organizationName = organizationName
        self.profileID = profileID
        self.sessionSecondsValid = sessionSecondsValid
        self.email = email
        self.fullName = fullName
        self.userID = userID
        self.username = username
    }
}

/// A SOAP fault in Salesforce's form: `INVALID_LOGIN: Invalid username, …`.
public struct SOAPFault: Error, Sendable, Hashable {
    public var code: String
    public var message: String
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// An error of the org that ends a whole call.
    init(_ error: OrgError) {
        self.init(code: error.errorCode, message: error.message)
    }

    static func unknownOperation(_ name: String) -> SOAPFault {
        SOAPFault(code: "INVALID_OPERATION", message: "No operation available for request \(name.prefix(80))")
    }

    /// The element that the detail consists of.
    var kind: String {
        switch code {
        case "INVALID_LOGIN": "LoginFault"
        case "MALFORMED_QUERY": "MalformedQueryFault"
        case "INVALID_FIELD": "InvalidFieldFault"
        case "INVALID_TYPE": "InvalidSObjectFault"
        case "INVALID_QUERY_LOCATOR": "InvalidQueryLocatorFault"
        case "MALFORMED_ID": "InvalidIdFault"
        default: "UnexpectedErrorFault"
        }
    }

    /// These say where the mistake stands.
    var isAboutQuery: Bool { ["MalformedQueryFault", "InvalidFieldFault", "InvalidSObjectFault"].contains(kind) }

    /// Of `ERROR at Row:1:Column:8` in the message.
    var row: Int? { number(behind: "Row:") }
    var column: Int? { number(behind: "Column:") }

    private func number(behind word: String) -> Int? {
        guard let place = message.firstRange(of: word) else { return nil }
        return Int(message[place.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }

    public static let invalidLogin = SOAPFault(
        code: "INVALID_LOGIN", message: "Invalid username, password, security token; or user locked out.")
    public static let invalidSession = SOAPFault(
        code: "INVALID_SESSION_ID",
        message: "Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session key")
}
