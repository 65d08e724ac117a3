internal import HTTPTypes

/// What a request makes its work depend on: `If-Modified-Since` and `If-Unmodified-Since` on rows and descriptions,
/// `If-Match` and `If-None-Match` on rows that have an entity tag (accounts).
///
/// Dates compare in whole seconds. A read with a header that cannot be read goes on without it; a write is refused.
struct RowConditions {
    private var modifiedSince: Int64?
    private var unmodifiedSince: Int64?
    private var match: [String]?
    private var noneMatch: [String]?

    var isEmpty: Bool { modifiedSince == nil && unmodifiedSince == nil && match == nil && noneMatch == nil }

    init(_ call: RESTCall) throws(OrgError) {
        modifiedSince = try Self.date(.ifModifiedSince, call)
        unmodifiedSince = try Self.date(.ifUnmodifiedSince, call)
        match = Self.tags(call.headers[.ifMatch])
        noneMatch = Self.tags(call.headers[.ifNoneMatch])
    }

    /// The answer where the caller has the row already (304), or means another state of it (412); nil: send it.
    func answerInstead(of found: FoundRecord, _ headers: HTTPFields) -> RESTAnswer? {
        if fails(found) { return RESTAnswer(Self.preconditionFailed) }
        if let tag = found.entityTag, let noneMatch {
            // A tag that does not fit makes the date say nothing.
            return Self.fits(tag, noneMatch) ? RESTAnswer(status: .notModified, headers: headers) : nil
        }
        guard let modifiedSince, let modified = found.lastModified, modified / 1_000 <= modifiedSince / 1_000 else {
            return nil
        }
        return RESTAnswer(status: .notModified, headers: headers)
    }

    /// 412 where the row is not in the state that the caller means.
    func refusalOfWrite(_ found: FoundRecord) -> RESTAnswer? {
        if fails(found) { return RESTAnswer(Self.preconditionFailed) }
        if let tag = found.entityTag, let noneMatch, Self.fits(tag, noneMatch) {
            return RESTAnswer(Self.preconditionFailed)
        }
        if let modifiedSince, let modified = found.lastModified, modified / 1_000 <= modifiedSince / 1_000 {
            return RESTAnswer(Self.preconditionFailed)
        }
        return nil
    }

    private func fails(_ found: FoundRecord) -> Bool {
        if let tag = found.entityTag, let match, !Self.fits(tag, match) { return true }
        guard let unmodifiedSince, let modified = found.lastModified else { return false }
        return modified / 1_000 > unmodifiedSince / 1_000
    }

    static let preconditionFailed = OrgError(
        status: 412, errorCode: "PRECONDITION_FAILED", message: "A precondition of the request is not met.")

    private static func date(_ name: HTTPField.Name, _ call: RESTCall) throws(OrgError) -> Int64? {
        guard let text = call.headers[name] else { return nil }
        if let date = HTTPDate.milliseconds(text) { return date }
        guard call.method != "GET" else { return nil }
        throw .badRequest("INVALID_HEADER_VALUE", "\(name.rawName): \(text) is not a date of HTTP")
    }

    /// The tags of a header, without quotes, marks of weakness and what compression adds.
    private static func tags(_ value: String?) -> [String]? {
        value.map { value in
            value.split(separator: ",").map { part in
                var tag = part.drop { $0 == " " }
                if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
                tag = tag.drop { $0 == "\"" }
                var text = String(tag.prefix { $0 != "\"" })
                if text.hasSuffix(gzipMark) { text.removeLast(gzipMark.count) }
                return text
            }
        }
    }

    private static func fits(_ tag: String, _ wanted: [String]) -> Bool {
        wanted.contains { $0 == tag || $0 == "*" }
    }

    /// Salesforce marks the tag of an answer that it compresses.
    static let gzipMark = "--gzip"

    static func quoted(_ tag: String, _ call: RESTCall) -> String {
        "\"" + tag + (Gzip.isTaken(call.headers[.acceptEncoding]) ? gzipMark : "") + "\""
    }
}
