/// What a path below the service's root names.
enum ODataPath: Hashable {
    case serviceDocument
    case metadata
    case set(String)
    case count(of: String)
    case entity(String, key: String)

    /// - Parameters:
    ///   - path: of the request, still encoded.
    ///   - rootSegments: how many of its segments are the service's root. The router takes several slashes in a row for one, so
    ///     that the root's length says nothing.
    init(_ path: some StringProtocol, rootSegments: Int) throws(ODataError) {
        var segments: [String] = []
        for segment in String(path).utf8.split(separator: UInt8(ascii: "/")).dropFirst(rootSegments) {
            guard let decoded = FormDecoding.decode(Substring(segment), plusIsSpace: false) else {
                throw ODataError(400, "BadRequest", "The URL holds an escape that is not UTF-8.")
            }
            segments.append(decoded)
        }
        guard let first = segments.first else {
            self = .serviceDocument
            return
        }
        switch first {
        case "$metadata" where segments.count == 1:
            self = .metadata
            return
        case "$batch", "$all", "$entity", "$crossjoin":
            throw .unsupported(first, "\(first) is not supported.")
        case _ where first.hasPrefix("$"):
            throw .notFound("There is no resource '\(Self.quoted(first))'.")
        default: break
        }
        let (name, key) = try Self.resource(first)
        switch (key, segments.count) {
        case (nil, 1): self = .set(name)
        case (nil, 2) where segments[1] == "$count": self = .count(of: name)
        case (let key?, 1): self = .entity(name, key: key)
        default:
            throw .unsupported(
                Self.quoted(segments[1]),
                "Paths go to a set, its $count or one entity, and not below: \(Self.quoted(segments[1])).")
        }
    }

    /// `Account`, `Account('001…')`, `Account(Id='001…')`.
    private static func resource(_ segment: String) throws(ODataError) -> (name: String, key: String?) {
        guard let open = segment.firstIndex(of: "(") else { return (segment, nil) }
        let name = String(segment[..<open])
        var predicate = segment[segment.index(after: open)...]
        guard predicate.last == ")" else { throw badKey(name) }
        predicate.removeLast()
        if predicate.hasPrefix("\(ODataEntityType.key)=") {
            predicate = predicate.dropFirst(ODataEntityType.key.count + 1)
        }
        guard let key = text(String(predicate)) else { throw badKey(name) }
        return (name, key)
    }

    /// Of one literal that is a text; nil for anything else.
    private static func text(_ predicate: String) -> String? {
        var lexer = ODataLexer(predicate)
        do throws(ODataSyntaxError) {
            let token = try lexer.next()
            guard case .literal(.string(let text)) = token.kind, try lexer.next().kind == .end else { return nil }
            return text
        } catch {
            // The caller says what a key looks like.
            return nil
        }
    }

    private static func badKey(_ name: String) -> ODataError {
        ODataError(
            400, "InvalidKey",
            "The key is one text in single quotes: \(quoted(name))('…') or \(quoted(name))(\(ODataEntityType.key)='…')."
        )
    }

    static func quoted(_ text: String) -> String { String(text.prefix(ODataLexer.quotedCharactersMax)) }
}
