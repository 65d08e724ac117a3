/// Why a request is refused, in OData's form: `{"error":{"code":…,"message":…,"target":…}}`.
package struct ODataError: Error, Hashable, Sendable {
    package var status: Int
    package var code: String
    package var message: String
    /// The query option or part of the path that is wrong: `$filter`.
    package var target: String?
    /// For 405.
    package var allowed: String?

    package init(_ status: Int, _ code: String, _ message: String, target: String? = nil, allowed: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.allowed = allowed
    }

    init(_ error: OrgError) {
        self.init(error.status, error.errorCode, error.message)
    }

    var document: JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "code", value: .string(code)), .init(name: "message", value: .string(message)),
        ]
        if let target { members.append(.init(name: "target", value: .string(target))) }
        return .members(("error", .object(members)))
    }

    /// An option that cannot be read.
    static func invalid(_ target: String, _ message: String) -> ODataError {
        ODataError(400, "InvalidQueryOption", message, target: target)
    }

    /// OData has it, this service does not.
    static func unsupported(_ target: String, _ message: String) -> ODataError {
        ODataError(501, "NotImplemented", message, target: target)
    }

    static func notFound(_ message: String) -> ODataError { ODataError(404, "NotFound", message) }
}

/// A mistake at a place of an option's text.
struct ODataSyntaxError: Error, Hashable {
    var message: String
    /// Byte offset.
    var place: Int
    /// OData has it, this service does not.
    var isUnsupported = false

    /// The place as people count: characters from 1.
    func error(in text: String, of option: String) -> ODataError {
        let before = String(decoding: text.utf8.prefix(place), as: UTF8.self).count
        let message = "\(message) (at character \(before + 1) of \(option))"
        return isUnsupported ? .unsupported(option, message) : .invalid(option, message)
    }
}
