internal import HTTPTypes

/// The parts of a composite request: read from its body, run one after the other in one transaction, and answered.
struct CompositeParts {
    struct Part {
        var method: String
        var url: String
        var reference: String
        var headers: HTTPFields
        var body: JSONValue?
    }

    let parts: [Part]

    /// Reads `compositeRequest`. Anything that is not as it must be is a mistake of the whole call.
    init(_ values: [JSONValue]?) throws(OrgError) {
        guard let values, !values.isEmpty else { throw .badInput("compositeRequest must be an array of subrequests") }
        var parts: [Part] = []
        var references: Set<String> = []
        for value in values {
            let part = try Self.part(value)
            guard references.insert(part.reference).inserted else {
                throw .badInput("The referenceId \(part.reference) is used more than once; it must be unique.")
            }
            parts.append(part)
        }
        self.parts = parts
    }

    /// Parts that have been read already, in another order.
    init(ordered parts: [Part]) { self.parts = parts }

    private static func part(_ value: JSONValue) throws(OrgError) -> Part {
        guard let object = JSONObject(value) else { throw .badInput("a subrequest must be an object") }
        guard let method = object.text("method")?.uppercased(),
            ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"].contains(method)
        else { throw .badInput("a subrequest needs a method: GET, POST, PATCH or DELETE") }
        guard let url = object.text("url") else { throw .badInput("a subrequest needs a url") }
        guard let reference = object.text("referenceId") else { throw .badInput("a subrequest needs a referenceId") }
        guard isReference(reference) else {
            throw .badInput(
                "The referenceId \(reference) must begin with a letter and hold letters, digits and underscores only.")
        }
        var headers: HTTPFields = [:]
        if let given = object["httpHeaders"], given != .null {
            guard let fields = JSONObject(given) else { throw .badInput("httpHeaders must be an object") }
            for member in fields.members {
                guard let name = HTTPField.Name(member.name), case .string(let text) = member.value else {
                    throw .badInput("httpHeaders: \(member.name) is no header with a text")
                }
                guard !notForParts.contains(name) else {
                    throw .badInput("The header \(member.name) cannot be set for a subrequest.")
                }
                headers[name] = text
            }
        }
        let body = object["body"].flatMap { $0 == .null ? nil : $0 }
        return Part(
            method: method == "HEAD" ? "GET" : method, url: url, reference: reference, headers: headers, body: body)
    }

    private static let notForParts: Set<HTTPField.Name> = [.accept, .authorization, .contentType]

    static func isReference(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.count <= 40
            && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    /// Whether a composite request changes nothing: then it needs no writer.
    static func areReading(_ call: RESTCall) -> Bool {
        (JSONObject(call.document)?.array("compositeRequest") ?? []).allSatisfy {
            JSONObject($0)?.text("method")?.uppercased() == "GET"
        }
    }

    /// Runs the parts in their order. With `allOrNone` the first failure ends it, and every other part says so.
    func run(
        _ call: RESTCall, _ work: any OrgWork, allOrNone: Bool
    ) throws -> (answers: [JSONValue], isSuccessful: Bool) {
        var references = CompositeReferences()
        var answers: [(part: Part, answer: RESTAnswer)] = []
        var isSuccessful = true
        for part in parts {
            let answer = try answer(to: part, call, work, &references)
            answers.append((part, answer))
            if !answer.isSuccess, answer.status != .notModified {
                isSuccessful = false
                if allOrNone { break }
            }
        }
        guard allOrNone, !isSuccessful else { return (answers.map(Self.document), isSuccessful) }
        let halted = RESTAnswer(
            OrgError.badRequest(
                "PROCESSING_HALTED",
                "The transaction was rolled back since another operation in the same transaction failed."))
        let failed = answers.count - 1
        let documents = parts.enumerated().map { index, part in
            Self.document(part, index == failed ? answers[failed].answer : halted)
        }
        return (documents, false)
    }

    private func answer(
        to part: Part, _ call: RESTCall, _ work: any OrgWork, _ references: inout CompositeReferences
    ) throws -> RESTAnswer {
        let sub: RESTCall
        do throws(OrgError) {
            sub = try Self.call(part, of: call, &references)
        } catch {
            return RESTAnswer(error)
        }
        let answer = try call.dispatcher.part(sub, in: work)
        if answer.isSuccess { references.add(part.reference, answer.document) }
        return answer
    }

    private static func call(
        _ part: Part, of call: RESTCall, _ references: inout CompositeReferences
    ) throws(OrgError) -> RESTCall {
        let url = try references.resolvedURL(part.url)
        guard let target = RESTTarget(part: url, allowsShort: false), let first = target.elements.first else {
            throw .badRequest("INVALID_INPUT", "The url of a subrequest must begin with /services/data/vXX.X/.")
        }
        guard let version = APIVersion(pathElement: first) else { throw .notFound }
        if version.isRetired { throw .retired(version) }
        var context = call.context
        context.apiVersion = version.text
        return RESTCall(
            method: part.method, path: Array(target.elements.dropFirst()), query: target.query, headers: part.headers,
            context: context, dispatcher: call.dispatcher,
            document: try part.body.map { body throws(OrgError) in try references.resolved(body) })
    }

    private static func document(_ part: Part, _ answer: RESTAnswer) -> JSONValue {
        let headers = answer.headers.filter { $0.name != .wwwAuthenticate }.map {
            JSONValue.Member(name: $0.name.rawName, value: .string($0.value))
        }
        return .members(
            ("body", answer.document), ("httpHeaders", .object(headers)),
            ("httpStatusCode", .number(String(answer.status.code))), ("referenceId", .string(part.reference)))
    }

    private static func document(_ answered: (part: Part, answer: RESTAnswer)) -> JSONValue {
        document(answered.part, answered.answer)
    }
}
