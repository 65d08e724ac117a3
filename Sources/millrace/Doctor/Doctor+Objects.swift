import ChangeEvents
import Twin
import Upstream

/// The replicated objects: whether they can be read, whether their changes are captured and may be received, and which of
/// their fields are hidden.
extension Doctor {
    /// Where rights are given.
    private static let guide = "docs/salesforce-setup.md"
    /// Names in a message.
    private static let namesMax = 10

    /// What the event bus says of an object's topic.
    private enum Events: Sendable {
        case open(EventSchema)
        /// They may be received; why their schema is not there.
        case unreadable(String)
        case refused(String)
        /// The event bus does not answer.
        case silent(String)
    }

    func objects(_ api: OrgAPI) async -> [Finding] {
        let objects = configuration.replicatedObjects
        guard !objects.isEmpty else { return [] }
        var findings: [Finding] = []
        var captured: Set<String>?
        do {
            captured = Set(try await api.capturedEvents())
        } catch {
            findings.append(
                .warning(
                    "capture", "which objects the org captures cannot be looked up: \(error)",
                    advice:
                        "The user needs View Setup and Configuration for this check; look at Setup, Change Data Capture."
                ))
        }
        var descriptions: [String: ObjectDescription] = [:]
        for object in objects {
            do {
                descriptions[object.name] = try await api.describe(object.name)
            } catch {
                findings.append(Self.undescribed(object.name, error))
            }
        }
        let asked = objects.filter { object in
            descriptions[object.name] != nil
                && Self.isCaptured(object.name, captured) ?? !object.topics.isEmpty
        }
        let events = await events(of: asked.map(\.name))
        if let silence = events.values.compactMap(Self.silence).first {
            let bus = configuration.org.pubSubAddress
            findings.append(
                .error(
                    "events", "the Pub/Sub API at \(bus.host):\(bus.port) does not answer: \(silence)",
                    advice: "Check org.pubsub_address, and the way there: without it no event arrives."))
        }
        for object in objects {
            if let description = descriptions[object.name] {
                findings += Self.fields(object, description, events[object.name])
            }
            findings += Self.capture(object, captured)
            findings += Self.permission(object, events[object.name])
        }
        return findings
    }

    // MARK: Reading

    private static func undescribed(_ object: String, _ error: any Error) -> Finding {
        if let error = error as? OrgAPIError, error.code == .notFound {
            return .error(
                "objects", "\(object) is not there for this user",
                advice: "Check the name, and that a permission set of the user grants Read and View All (\(guide)).")
        }
        return .error("objects", "\(object): \(error)", advice: "Run this again; the org's words say why.")
    }

    private static func fields(
        _ object: ReplicatedObject, _ description: ObjectDescription, _ events: Events?
    ) -> [Finding] {
        guard description.isQueryable else {
            return [
                .error(
                    "objects", "\(object.name) cannot be queried by this user",
                    advice:
                        "Give a permission set of the user Read and View All on \(object.name) (\(guide)); where the org lets "
                        + "nobody query it, take it from objects.")
            ]
        }
        var schema: EventSchema?
        if case .open(let found)? = events { schema = found }
        let visibility = FieldVisibility(of: object, described: description, schema: schema)
        var findings: [Finding] = []
        if !visibility.hiddenNamed.isEmpty {
            findings.append(
                .error(
                    "objects",
                    "field-level security hides \(list(visibility.hiddenNamed)) of \(object.name) from this user",
                    advice:
                        "Give a permission set of the user Read on it (\(guide)), or take it from objects.\(object.name).fields."
                ))
        }
        if !visibility.unknownNamed.isEmpty {
            findings.append(
                .error(
                    "objects", "\(object.name) has no \(list(visibility.unknownNamed)) for this user",
                    advice:
                        "Check the names, and the field-level security of \(object.name) in the user's permission sets."
                ))
        }
        if findings.isEmpty {
            findings.append(.ok("objects", "\(object.name): \(description.fields.count) fields are visible"))
        }
        if !visibility.hidden.isEmpty {
            findings.append(
                .warning(
                    "fields",
                    "field-level security hides \(list(visibility.hidden)) of \(object.name) from this user: missing in "
                        + "queries and tables, and null in events",
                    advice:
                        "Give a permission set of the user Read on what is needed (\(guide)), or name the fields that are "
                        + "(objects.\(object.name).fields)."))
        } else if schema != nil, visibility.hiddenNamed.isEmpty, visibility.unknownNamed.isEmpty {
            findings.append(.ok("fields", "nothing that is wanted of \(object.name) is hidden from this user"))
        } else if case .unreadable(let reason)? = events {
            findings.append(
                .warning(
                    "fields", "which fields of \(object.name) are hidden is not known: \(reason)",
                    advice: "Run this again."))
        }
        return findings
    }

    private static func list(_ names: [String]) -> String {
        let more = names.count - namesMax
        return names.prefix(namesMax).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    // MARK: Capture

    /// Nil: it cannot be told.
    private static func isCaptured(_ object: String, _ captured: Set<String>?) -> Bool? {
        guard let captured else { return nil }
        if captured.contains(ChangeEventHeader.eventName(ofEntity: object)) { return true }
        // An object of one's own may be listed by an id, which tells nothing.
        if object.hasSuffix("__c"), captured.contains(where: { !$0.hasSuffix("ChangeEvent") }) { return nil }
        return false
    }

    private static func capture(_ replicated: ReplicatedObject, _ captured: Set<String>?) -> [Finding] {
        let object = replicated.name
        switch isCaptured(object, captured) {
        case true?:
            return [.ok("capture", "changes of \(object) are captured")]
        case nil:
            return []
        case false?:
            if let poll = replicated.poll {
                return [
                    .ok(
                        "capture",
                        "changes of \(object) are not captured: it is polled every \(DurationText.text(poll))")
                ]
            }
            return [
                .error(
                    "capture", "the org does not capture changes of \(object)",
                    advice:
                        "Select it in Setup, Change Data Capture, or have it polled (poll: 5m): until then its table stays as it was loaded."
                )
            ]
        }
    }

    // MARK: Events

    /// Asks the event bus about each object, until it does not answer.
    private func events(of objects: [String]) async -> [String: Events] {
        guard let first = objects.first else { return [:] }
        do {
            return try await PubSubClient.withClient(of: OrgConnection(configuration.org), logger: logger) { client in
                var found: [String: Events] = [:]
                for object in objects {
                    let events = await Self.events(of: object, client)
                    found[object] = events
                    if case .silent = events { break }
                }
                return found
            }
        } catch {
            return [first: .silent("\(error)")]
        }
    }

    private static func events(of object: String, _ client: PubSubClient) async -> Events {
        do {
            let topic = try await client.topic("/data/" + ChangeEventHeader.eventName(ofEntity: object))
            guard topic.canSubscribe else { return .refused("the user may not subscribe to \(topic.name)") }
            guard let id = topic.schemaID else { return .unreadable("\(topic.name) names no schema") }
            return .open(try await client.schema(id))
        } catch let error as UpstreamError where error.code == .topicRefused {
            return .refused("\(error)")
        } catch let error as UpstreamError where error.code == .schemaUnavailable {
            return .unreadable("\(error)")
        } catch {
            return .silent("\(error)")
        }
    }

    private static func silence(_ events: Events) -> String? {
        if case .silent(let reason) = events { reason } else { nil }
    }

    private static func permission(_ object: ReplicatedObject, _ events: Events?) -> [Finding] {
        // What is polled alone needs no events.
        guard !object.topics.isEmpty else { return [] }
        switch events {
        case .open?, .unreadable?:
            return [.ok("permissions", "changes of \(object.name) may be received")]
        case .refused(let reason)?:
            return [
                .error(
                    "permissions", "changes of \(object.name) are kept from this user: \(reason)",
                    advice:
                        "Give a permission set of the user \(permission(toReceive: object.name)) (\(guide)): without it a channel "
                        + "leaves them out and says nothing.")
            ]
        case .silent?, nil:
            return []
        }
    }

    /// What change events of an object ask for.
    private static func permission(toReceive object: String) -> String {
        switch object {
        case "User": "View All Users"
        // No object permission of theirs shows all records.
        case "Task", "Event": "View All Data"
        default: "View All on \(object)"
        }
    }
}
