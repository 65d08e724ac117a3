import ChangeEvents
package import Doors

extension SandboxControl {
    /// All that stand, and the kinds there are.
    package func faultsDocument() -> JSONValue {
        Self.object([
            "faults": .array(sandbox.faults.standing.map(Self.json)),
            "kinds": .array(
                FaultKind.allCases.map { kind in
                    Self.object(["kind": .string(kind.rawValue), "does": .string(kind.summary)])
                }),
        ])
    }

    package func faultDocument(id: String) throws(ControlError) -> JSONValue {
        guard let standing = sandbox.faults.standing.first(where: { $0.id == id }) else { throw Self.noFault(id) }
        return Self.json(standing)
    }

    /// Sets one fault and answers it with its id.
    package func setFault(_ document: JSONValue) throws(ControlError) -> JSONValue {
        let fault = try Self.fault(document)
        if let object = fault.object, sandbox.catalogue.object(object) == nil {
            throw ControlError(field: "object", reason: "The org has no object \(object).")
        }
        guard let standing = sandbox.faults.set(fault) else {
            throw ControlError(
                status: 409, reason: "\(Faults.faultsMax) faults stand already. Delete some, or give them `times`.")
        }
        return Self.json(standing)
    }

    package func removeFault(id: String) throws(ControlError) {
        guard sandbox.faults.remove(id: id) else { throw Self.noFault(id) }
    }

    /// Ends all faults and forgets what was recorded.
    package func clearFaults() { sandbox.faults.clear() }

    /// What clients asked for, oldest first; `next` for the call after it.
    package func callsDocument(after: String?, limit: String?) throws(ControlError) -> JSONValue {
        try records("calls", after: after, limit: limit) { sandbox.faults.calls(after: $0, limit: $1) }
    }

    /// Which faults struck what.
    package func strikesDocument(after: String?, limit: String?) throws(ControlError) -> JSONValue {
        try records("fired", after: after, limit: limit) { sandbox.faults.strikes(after: $0, limit: $1) }
    }

    private func records(
        _ name: String, after: String?, limit: String?, _ read: (Int, Int) -> [Faults.Record]
    ) throws(ControlError) -> JSONValue {
        let after = try Self.integer("after", after, in: 0...Self.recordNumberMax, default: 0)
        let limit = try Self.integer("limit", limit, in: 1...Self.recordsPerPageMax, default: 100)
        let found = read(after, limit)
        return .object([
            .init(name: name, value: .array(found.map(Self.json))),
            .init(name: "next", value: Self.number(found.last?.number ?? after)),
        ])
    }

    private static let recordNumberMax = 1 << 52
    private static let recordsPerPageMax = 1_000

    private static func noFault(_ id: String) -> ControlError {
        ControlError(status: 404, field: "id", reason: "There is no fault \(id.prefix(40)).")
    }

    static func fault(_ document: JSONValue) throws(ControlError) -> Fault {
        var reader = try ControlDocument(document)
        guard let kind = try reader.choice("kind", FaultKind.self) else {
            throw ControlError(field: "kind", reason: "kind is missing: what is to go wrong?")
        }
        var fault = Fault(kind)
        fault.path = try reader.text("path")
        fault.method = try reader.text("method")?.uppercased()
        fault.rpc = try reader.choice("rpc", PubSubCall.self)?.rawValue
        fault.topic = try reader.text("topic")
        fault.object = try reader.text("object")
        fault.during = try reader.choice("during", Fault.Moment.self)
        fault.nth = try reader.integer("nth", in: 1...1_000_000_000)
        fault.times = try reader.integer("times", in: 1...1_000_000_000)
        fault.probability = try reader.number("probability", in: 0...1)
        let seed = try reader.integer("seed", in: 0...Int.max)
        fault.seed = UInt64(seed ?? 1)
        let seconds = try reader.number("seconds", in: 0...86_400)
        fault.seconds = seconds ?? fault.seconds
        let status = try reader.integer("status", in: 400...599)
        fault.status = status ?? fault.status
        try reader.finish()
        if seed != nil, fault.probability == nil {
            throw ControlError(field: "seed", reason: "seed is for a probability, and there is none.")
        }
        if seconds != nil, !kind.takesSeconds {
            throw ControlError(field: "seconds", reason: "seconds means nothing to \(kind.rawValue).")
        }
        if status != nil, kind != .unavailable || fault.path == nil {
            throw ControlError(field: "status", reason: "status is for kind unavailable with a path.")
        }
        // The n-th call alone, unless it says how many.
        if fault.nth != nil, fault.times == nil { fault.times = 1 }
        try checkTarget(of: fault)
        return fault
    }

    private static func checkTarget(of fault: Fault) throws(ControlError) {
        let target = fault.kind.target
        let given: [(String, Bool, Bool)] = [
            ("path", fault.path != nil, target == .door),
            ("method", fault.method != nil, target == .door && fault.path != nil),
            ("rpc", fault.rpc != nil, target == .door && fault.path == nil),
            ("topic", fault.topic != nil, target == .topic || (target == .door && fault.path == nil)),
            ("object", fault.object != nil, target == .object),
            ("during", fault.during != nil, target == .door && fault.path == nil),
        ]
        if let (name, _, _) = given.first(where: { $0.1 && !$0.2 }) {
            throw ControlError(field: name, reason: "\(name) does not go with this \(fault.kind.rawValue).")
        }
        guard target == .door else { return }
        if fault.path == nil, fault.rpc == nil, fault.topic == nil {
            throw ControlError(
                field: "path", reason: "\(fault.kind.rawValue) needs a path (HTTP), or an rpc or a topic (Pub/Sub API)."
            )
        }
        if fault.rpc == nil, fault.topic != nil, fault.kind == .lostAnswer || fault.during == .call {
            throw ControlError(field: "rpc", reason: "Which call? A topic alone means the streams that read it.")
        }
        if fault.topic != nil, fault.rpc != nil, fault.during == .call {
            throw ControlError(field: "topic", reason: "A call's topic is not known when it begins: leave it out.")
        }
    }

    private static func json(_ standing: Faults.Standing) -> JSONValue {
        let fault = standing.fault
        var members: [JSONValue.Member] = [
            .init(name: "id", value: .string(standing.id)), .init(name: "kind", value: .string(fault.kind.rawValue)),
        ]
        func add(_ name: String, _ value: JSONValue?) {
            if let value { members.append(.init(name: name, value: value)) }
        }
        add("path", fault.path.map(JSONValue.string))
        add("method", fault.method.map(JSONValue.string))
        add("rpc", fault.rpc.map(JSONValue.string))
        add("topic", fault.topic.map(JSONValue.string))
        add("object", fault.object.map(JSONValue.string))
        add("during", fault.during.map { .string($0.rawValue) })
        add("nth", fault.nth.map(number))
        add("times", fault.times.map(number))
        add("probability", fault.probability.map { .number(String($0)) })
        add("seed", fault.probability == nil ? nil : number(fault.seed))
        add("seconds", fault.kind.takesSeconds ? .number(String(fault.seconds)) : nil)
        add("status", fault.kind == .unavailable && fault.path != nil ? number(fault.status) : nil)
        add("seen", number(standing.seen))
        add("fired", number(standing.struck))
        add("active", .boolean(!standing.isSpent))
        return .object(members)
    }

    private static func json(_ record: Faults.Record) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "number", value: number(record.number)), .init(name: "at", value: instant(record.at)),
        ]
        if let id = record.faultID { members.append(.init(name: "fault", value: .string(id))) }
        if let kind = record.kind { members.append(.init(name: "kind", value: .string(kind.rawValue))) }
        members += record.point.members
        return .object(members)
    }
}

/// The calls of the Pub/Sub API.
private enum PubSubCall: String, CaseIterable {
    case getTopic = "GetTopic"
    case getSchema = "GetSchema"
    case publish = "Publish"
    case publishStream = "PublishStream"
    case subscribe = "Subscribe"
    case managedSubscribe = "ManagedSubscribe"
}

extension FaultPoint {
    /// As the records of the control door tell it.
    fileprivate var members: [JSONValue.Member] {
        func texts(_ pairs: KeyValuePairs<String, String>) -> [JSONValue.Member] {
            pairs.map { .init(name: $0.key, value: .string($0.value)) }
        }
        return switch self {
        case .request(let method, let path): texts(["place": "request", "method": method, "path": path])
        case .answer(let method, let path): texts(["place": "answer", "method": method, "path": path])
        case .call(let rpc): texts(["place": "call", "rpc": rpc])
        case .callAnswer(let rpc): texts(["place": "answer", "rpc": rpc])
        case .stream(let rpc, let topic): texts(["place": "stream", "rpc": rpc, "topic": topic])
        case .subscription(let topic, let from):
            texts(["place": "subscription", "topic": topic, "from": from.shown])
        case .schema(let id): texts(["place": "schema", "schema": id])
        case .delivery(let topic): texts(["place": "delivery", "topic": topic])
        case .write(let object): texts(["place": "write", "object": object])
        case .batch(let object): texts(["place": "batch", "object": object])
        case .change(let object): texts(["place": "change", "object": object])
        }
    }
}

extension ReplayStart {
    fileprivate var shown: String {
        switch self {
        case .latest: "LATEST"
        case .earliest: "EARLIEST"
        case .after(let replayID):
            replayID.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
    }
}
