import Foundation
import NIOCore

/// Why a call to an org's REST or Bulk API did not bring what was asked for.
///
/// `description` and its parts hold no token and no secret. The org's own message may quote what it was sent: a query, a name.
public struct OrgAPIError: Error, Sendable {
    /// What kind of failure it is; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case refused, notFound, sessionRefused, limitExceeded, busy, unavailable, timedOut, redirected
            case answerTooLarge, answerUnreadable, jobFailed, requestInvalid
        }
        private let kind: Kind

        /// The org calls the request wrong, or does not permit it: the same request has the same answer.
        public static let refused = Code(kind: .refused)
        /// There is no such object, record, job or resource.
        public static let notFound = Code(kind: .notFound)
        /// The org refuses a token that it has just issued.
        public static let sessionRefused = Code(kind: .sessionRefused)
        /// The org's daily API allowance is used up.
        public static let limitExceeded = Code(kind: .limitExceeded)
        /// The org has too much to do at the moment: a locked row, too many calls at once.
        public static let busy = Code(kind: .busy)
        /// The org, or the way to it, is out of order for now.
        public static let unavailable = Code(kind: .unavailable)
        public static let timedOut = Code(kind: .timedOut)
        /// The org sends the caller elsewhere. The token goes nowhere else.
        public static let redirected = Code(kind: .redirected)
        public static let answerTooLarge = Code(kind: .answerTooLarge)
        /// Not what the protocol says: no JSON, no CSV, a value that is not of its type.
        public static let answerUnreadable = Code(kind: .answerUnreadable)
        /// A Bulk API job has ended without a result.
        public static let jobFailed = Code(kind: .jobFailed)
        /// A mistake of the caller's that was found before anything was sent.
        public static let requestInvalid = Code(kind: .requestInvalid)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// A sentence; of an error of the org, its own.
    public var message: String
    /// The org's own word: `INVALID_FIELD`, `UNABLE_TO_LOCK_ROW`.
    public var errorCode: String?
    /// The fields that the org names.
    public var fields: [String]
    /// HTTP status; nil: there was no answer.
    public var status: Int?
    /// For how long the org wants to be left alone.
    var retryAfter: Duration?
    /// What lies behind it; not part of `description`.
    public var cause: (any Error)?

    public init(
        _ code: Code, _ message: String, errorCode: String? = nil, fields: [String] = [], status: Int? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.errorCode = errorCode
        self.fields = fields
        self.status = status
        self.cause = cause
    }
}

extension OrgAPIError: CustomStringConvertible {
    public var description: String {
        var text = "\(code): \(message)"
        if !fields.isEmpty { text += " (fields: \(fields.joined(separator: ", ")))" }
        let marks = [errorCode, status.map { "HTTP \($0)" }].compactMap { $0 }
        if !marks.isEmpty { text += " [\(marks.joined(separator: ", "))]" }
        return text
    }
}

extension OrgAPIError {
    private static let messageMax = 1_000
    private static let fieldsMax = 50

    /// Reads an answer that is an error: Salesforce's array `[{"message","errorCode","fields"}]`, the OAuth form, or whatever
    /// a proxy says (of which nothing is quoted).
    static func answer(status: Int, body: ByteBuffer, secret: String) -> OrgAPIError {
        answer(status: status, value: try? RESTValue(json: body), secret: secret)
    }

    static func answer(status: Int, value: RESTValue?, secret: String) -> OrgAPIError {
        let said = value.flatMap { Said($0) }
        let errorCode = said?.errorCode.map { printable($0, secret: secret, max: 100) }
        let message =
            said?.message.map { printable($0, secret: secret, max: messageMax) }
            ?? "The org answers with HTTP status \(status)."
        let fields = (said?.fields ?? []).prefix(fieldsMax).map { printable($0, secret: secret, max: 100) }
        return OrgAPIError(
            code(status: status, errorCode: errorCode, message: message), message, errorCode: errorCode,
            fields: Array(fields), status: status)
    }

    private static func code(status: Int, errorCode: String?, message: String) -> Code {
        switch errorCode {
        case "INVALID_SESSION_ID", "INVALIDSESSIONID": return .sessionRefused
        case "REQUEST_LIMIT_EXCEEDED":
            // One code for the calls of a day and for those that run at the same time.
            return message.lowercased().contains("concurrent") ? .busy : .limitExceeded
        case "UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "TOOMANYLOCKFAILURE": return .busy
        case "SERVER_UNAVAILABLE": return .unavailable
        default: break
        }
        switch status {
        case 401: return .sessionRefused
        case 404, 410: return .notFound
        case 300..<400: return .redirected
        // 420 and 429 are not Salesforce's own: a router or a proxy in front of it wants fewer requests.
        case 420, 429: return .busy
        case 500...: return .unavailable
        default: return .refused
        }
    }

    /// One line, bounded, without the token should the other side quote it.
    private static func printable(_ text: String, secret: String, max: Int) -> String {
        let text = secret.isEmpty ? text : text.replacingOccurrences(of: secret, with: "(token)")
        let scalars = text.unicodeScalars.prefix(max).map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    private struct Said {
        var errorCode: String?
        var message: String?
        var fields: [String] = []

        init?(_ value: RESTValue) {
            let error: RESTValue
            switch value {
            case .array(let errors):
                guard let first = errors.first else { return nil }
                error = first
            default: error = value
            }
            // Collections write statusCode, the Bulk API of old exceptionCode, OAuth error.
            for name in ["errorCode", "statusCode", "exceptionCode", "error"] where errorCode == nil {
                errorCode = error[name]?.string
            }
            for name in ["message", "exceptionMessage", "error_description"] where message == nil {
                message = error[name]?.string
            }
            guard errorCode != nil || message != nil else { return nil }
            if case .array(let names)? = error["fields"] { fields = names.compactMap(\.string) }
        }
    }
}
