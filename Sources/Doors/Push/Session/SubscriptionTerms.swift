internal import SOQL

/// What a subscription comes to when the token and the client's wish are put together: the intersection of both.
///
/// Made at subscribe time and made anew when a fresh token replaces the old one. Pure.
struct SubscriptionTerms: Hashable, Sendable {
    var channel: PushChannel
    /// The token's `where` AND the client's own.
    var condition: Condition?
    /// The client's own part, kept so that a new token can be put to it.
    var ownCondition: Condition?
    var fields: Set<String>?

    /// - Parameter knownFields: what events of the channel have shown, in lower case; nil: none has come yet.
    init(
        channel name: String, ownCondition text: String?, allow: [Grant.Allowance], tracked: TrackedEntities,
        virtual: VirtualChannels = .none, knownFields: Set<String>?
    ) throws(RequestError) {
        var own: Condition?
        if let text {
            do {
                own = try Condition(text)
            } catch {
                throw RequestError(.invalidWhere, error.message, position: error.position)
            }
        }
        try self.init(channel: name, ownCondition: own, allow: allow, tracked: tracked, virtual: virtual)
        guard let own, let knownFields else { return }
        for field in own.fields.sorted() where !Self.isAlwaysKnown(field) && !knownFields.contains(field.lowercased()) {
            throw RequestError(.unjudgeableCondition, "where uses \(field), which events of \(name) do not have")
        }
    }

    init(
        channel name: String, ownCondition: Condition?, allow: [Grant.Allowance], tracked: TrackedEntities,
        virtual: VirtualChannels = .none
    ) throws(RequestError) {
        guard let channel = PushChannel(name) else {
            throw RequestError(
                .unknownChannel,
                "a channel is /data/ChangeEvents, /data/<Object>ChangeEvent, /event/<Name>__e or one that is configured here"
            )
        }
        let members = channel.kind == .custom ? virtual.members(of: name)?.map(\.channel) : [channel]
        guard let members else { throw RequestError(.unknownChannel, "there is no channel \(name)") }
        guard let allowance = allow.first(where: { $0.channel == name }) else {
            throw RequestError(.forbiddenChannel, "the token has no entry for \(name)")
        }
        self.channel = channel
        self.ownCondition = ownCondition
        fields = allowance.fields
        if let ownCondition {
            try Self.checkPermitted(ownCondition, fields: allowance.fields)
            for member in members {
                try Self.checkJudgeable(ownCondition, channel: member, tracked: tracked, source: "where")
            }
        }
        if let condition = allowance.condition {
            for member in members {
                try Self.checkJudgeable(condition, channel: member, tracked: tracked, source: "the token's where")
            }
        }
        let conditions = [virtual.condition(of: name), allowance.condition, ownCondition].compactMap { $0 }
        condition = conditions.dropFirst().reduce(conditions.first) { all, next in all.map { Condition.and($0, next) } }
    }

    /// A condition on a hidden field would tell its value by what arrives and what does not.
    private static func checkPermitted(_ condition: Condition, fields: Set<String>?) throws(RequestError) {
        guard let fields else { return }
        let permitted = Set(fields.map { $0.lowercased() })
        for field in condition.fields.sorted() where !isAlwaysKnown(field) {
            let name = field.lowercased()
            let compound = name.prefix { $0 != "." }
            guard permitted.contains(name) || permitted.contains(String(compound)) else {
                throw RequestError(.forbiddenField, "where uses \(field), which the token does not allow to see")
            }
        }
    }

    /// The image of a tracked record holds every field; without one a change event holds only what changed.
    private static func checkJudgeable(
        _ condition: Condition, channel: PushChannel, tracked: TrackedEntities, source: String
    ) throws(RequestError) {
        let fields = condition.fields.sorted().filter { !isAlwaysKnown($0) }
        let isTracked =
            switch channel.kind {
            case .platformEvent, .custom: true
            case .changeEvents(let entity): tracked.contains(entity)
            case .allChangeEvents: tracked.containsAll
            }
        if !isTracked, let field = fields.first {
            throw RequestError(
                .unjudgeableCondition,
                "\(source) uses \(field), which cannot be judged on \(channel.name): the object is not tracked, and its events hold only the fields that changed"
            )
        }
        if let (field, object) = tracked.firstNotKept(fields, on: channel) {
            throw RequestError(
                .unjudgeableCondition,
                "\(source) uses \(field), which cannot be judged on \(channel.name): it is not among the fields of \(object) that are kept"
            )
        }
    }

    private static func isAlwaysKnown(_ field: String) -> Bool {
        let name = field.lowercased()
        return name == "id" || name.hasPrefix("changeeventheader.")
    }
}

/// The objects whose records the twin keeps; nil in `names`: every object.
struct TrackedEntities: Hashable, Sendable {
    var names: Set<String>?
    /// By object, the fields that are kept, in lower case; of objects that are not named here all are.
    private let kept: [String: Set<String>]

    /// - Parameter keptFields: API names.
    init(names: Set<String>?, keptFields: [String: Set<String>] = [:]) {
        self.names = names
        kept = keptFields.mapValues { Set($0.map { $0.lowercased() }) }
    }

    /// A field that the records of an object on the channel lack: an absent field of a record is null, so a condition on it
    /// would be judged, and wrongly.
    func firstNotKept(_ fields: [String], on channel: PushChannel) -> (field: String, object: String)? {
        for (object, names) in kept.sorted(by: { $0.key < $1.key }) {
            switch channel.kind {
            case .changeEvents(object), .allChangeEvents: break
            default: continue
            }
            if let field = fields.first(where: { !names.contains($0.lowercased()) }) { return (field, object) }
        }
        return nil
    }

    var containsAll: Bool { names == nil }

    func contains(_ entity: String) -> Bool {
        names?.contains(entity) ?? true
    }
}
