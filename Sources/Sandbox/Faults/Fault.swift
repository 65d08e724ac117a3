import Doors

/// One misbehaviour: what, where, when and how often.
struct Fault: Sendable, Hashable {
    /// A call of the Pub/Sub API, or the stream that it opened.
    enum Moment: String, Sendable, Hashable, CaseIterable { case call, stream }

    var kind: FaultKind
    /// With `*` for what stands between two slashes and `**` for anything: `/services/data/*/sobjects/**`.
    var path: String?
    /// `POST`; nil: all.
    var method: String?
    /// `Subscribe`
    var rpc: String?
    /// `/data/CaseChangeEvent`, as the client wrote it; `*` as in `path`.
    var topic: String?
    /// `Case`
    var object: String?
    var during: Moment?
    /// The first call that it strikes, from 1; nil: each, or by `probability`.
    var nth: Int?
    /// How often it strikes; nil: until it is deleted.
    var times: Int?
    var probability: Double?
    /// Of the numbers that `probability` is compared with: the same seed strikes the same calls.
    var seed: UInt64 = 1
    var seconds: Double = 5
    var status = 503

    init(_ kind: FaultKind) { self.kind = kind }

    /// Where it can strike.
    func concerns(_ point: FaultPoint) -> Bool {
        switch point {
        case .request(let method, let path): isDoor && kind != .lostAnswer && concerns(method: method, path: path)
        case .answer(let method, let path): kind == .lostAnswer && concerns(method: method, path: path)
        case .call(let rpc): isDoor && kind != .lostAnswer && moment == .call && concerns(rpc: rpc)
        case .callAnswer(let rpc): kind == .lostAnswer && concerns(rpc: rpc)
        case .stream(let rpc, let topic):
            isDoor && kind != .lostAnswer && moment == .stream && path == nil && concerns(topic: topic)
                && (self.rpc.map { $0 == rpc } ?? true)
        case .subscription(let topic, .after):
            (kind == .replayExpired || kind == .replayCorrupted) && concerns(topic: topic)
        case .subscription: false
        case .schema: kind == .schema
        case .delivery(let topic): (kind == .duplicate || kind == .delay) && concerns(topic: topic)
        case .write(let object): kind == .rowLock && concerns(object: object)
        case .batch(let object): kind == .bulk && concerns(object: object)
        case .change(let object): (kind == .gap || kind == .overflow) && concerns(object: object)
        }
    }

    var isForStreams: Bool { isDoor && path == nil && moment == .stream }

    private var isDoor: Bool { kind.target == .door }

    /// A topic alone means the streams that read it.
    private var moment: Moment { during ?? (topic == nil ? .call : .stream) }

    private func concerns(method: String, path: String) -> Bool {
        guard let pattern = self.path, PathPattern(pattern).matches(path) else { return false }
        return self.method.map { $0 == method } ?? true
    }

    private func concerns(rpc: String) -> Bool { path == nil && self.rpc == rpc }
    private func concerns(topic: String) -> Bool { self.topic.map { PathPattern($0).matches(topic) } ?? true }
    private func concerns(object: String) -> Bool {
        self.object.map { $0.lowercased() == object.lowercased() } ?? true
    }

    /// What a door does about it.
    var doorFault: DoorFault? {
        switch kind {
        case .cut, .lostAnswer: .cut
        case .stall: .stall(.milliseconds(Int64(seconds * 1_000)))
        case .halfOpen: .halfOpen
        case .goAway: .goAway
        case .unavailable: .unavailable(status: status)
        case .requestLimit: .requestLimit
        case .expiredToken: .expiredToken
        case .replayExpired, .replayCorrupted, .duplicate, .delay, .schema, .rowLock, .bulk, .gap, .overflow: nil
        }
    }
}

/// `*` stands for any characters but a slash, `**` for any characters.
struct PathPattern: Sendable {
    private let pattern: [UInt8]

    init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

    /// All places of the pattern that the text can have reached, moved on by one character at a time.
    func matches(_ path: String) -> Bool {
        var reached: Set<Int> = closure([0])
        for byte in path.utf8 {
            var next: [Int] = []
            for place in reached where place < pattern.count {
                if pattern[place] == Self.star {
                    if isDouble(place) || byte != Self.slash { next.append(place) }
                } else if pattern[place] == byte {
                    next.append(place + 1)
                }
            }
            reached = closure(next)
            if reached.isEmpty { return false }
        }
        return reached.contains(pattern.count)
    }

    private static let star = UInt8(ascii: "*")
    private static let slash = UInt8(ascii: "/")

    private func isDouble(_ place: Int) -> Bool { place + 1 < pattern.count && pattern[place + 1] == Self.star }

    /// Stars may also stand for nothing.
    private func closure(_ places: [Int]) -> Set<Int> {
        var all: Set<Int> = []
        var left = places
        while let place = left.popLast() {
            guard all.insert(place).inserted, place < pattern.count, pattern[place] == Self.star else { continue }
            left.append(place + (isDouble(place) ? 2 : 1))
        }
        return all
    }
}
