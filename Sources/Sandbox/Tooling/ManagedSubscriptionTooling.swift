import ChangeEvents
import Doors

/// `ManagedEventSubscription`: what a client names in ManagedSubscribe. Its cursor is the bus's, not part of the record.
struct ManagedSubscriptionTooling: ToolingObject {
    private static let versionMin = 60

    var definition: ObjectDefinition {
        ObjectDefinition(
            name: "ManagedEventSubscription", label: "Managed Event Subscription",
            labelPlural: "Managed Event Subscriptions", keyPrefix: ToolingPrefix.managedSubscription,
            isCapturable: false,
            fields: ToolingFields.leading("Managed Event Subscription ID") + [
                .text("DeveloperName", "Name", 80), .text("MasterLabel", "Label", 80),
                .text("TopicName", "Topic Name", 255), .text("State", "State", 40),
                .text("DefaultReplay", "Default Replay", 40),
                .text("ErrorRecoveryReplay", "Error Recovery Replay", 40),
            ])
    }

    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID {
        let name = try input.text("FullName")
        let terms = try Terms(input.metadata(), context: context)
        guard DeveloperName.isValid(name) else {
            throw .integrity("The name \(name) isn't valid.", ["FullName"])
        }
        guard sandbox.isTopic(terms.topic) else {
            throw .integrity("The topic \(terms.topic) doesn't exist.", ["topicName"])
        }
        let max = sandbox.configuration.allocations.managedSubscriptions
        return try await sandbox.changeChannels { channels, newID in
            guard
                !channels.managedSubscriptions.contains(where: { $0.developerName.lowercased() == name.lowercased() })
            else {
                throw OrgError.duplicate("A managed subscription with the name \(name) exists already.", ["FullName"])
            }
            guard channels.managedSubscriptions.count < max else {
                throw OrgError.limitExceeded("The maximum number of managed subscriptions (\(max)) has been reached.")
            }
            let id = try newID(ToolingPrefix.managedSubscription)
            channels.managedSubscriptions.append(terms.subscription(id: id.string, name: name))
            return id
        }
    }

    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError) {
        let name = try input.text("FullName")
        let terms = try Terms(input.metadata(), context: context)
        try await sandbox.changeChannels { channels, _ in
            guard let index = channels.managedSubscriptions.firstIndex(where: { $0.id == id.string }) else {
                throw OrgError.recordNotFound()
            }
            let former = channels.managedSubscriptions[index]
            guard former.developerName == name else {
                throw OrgError.integrity("The name of a managed subscription can't be changed.", ["FullName"])
            }
            guard former.topic == terms.topic else {
                throw OrgError.integrity("The topic of a managed subscription can't be changed.", ["topicName"])
            }
            channels.managedSubscriptions[index] = terms.subscription(id: former.id, name: name)
        }
    }

    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError) {
        try await sandbox.changeChannels { channels, _ in
            channels.managedSubscriptions.removeAll { $0.id == id.string }
        }
    }

    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow] {
        sandbox.channels.current.managedSubscriptions.compactMap { subscription in
            guard let id = RecordID(subscription.id) else { return nil }
            let texts: [(column: String, member: String, text: String)] = [
                ("DefaultReplay", "defaultReplay", subscription.defaultReplay.rawValue),
                ("ErrorRecoveryReplay", "errorRecoveryReplay", subscription.errorRecoveryReplay.rawValue),
                ("MasterLabel", "label", subscription.label), ("State", "state", subscription.state.rawValue),
                ("TopicName", "topicName", subscription.topic),
            ]
            var values = Dictionary(uniqueKeysWithValues: texts.map { ($0.column, FieldValue.string($0.text)) })
            values["DeveloperName"] = .string(subscription.developerName)
            return ToolingRow(
                id: id, values: values, fullName: subscription.developerName,
                metadata: .object(texts.map { .init(name: $0.member, value: .string($0.text)) }))
        }
    }

    private struct Terms {
        var label: String
        var topic: String
        var state: EventChannels.ManagedSubscription.Run
        var defaultReplay: EventChannels.ManagedSubscription.Replay
        var errorRecoveryReplay: EventChannels.ManagedSubscription.Replay

        init(_ metadata: [JSONValue.Member], context: CallContext) throws(OrgError) {
            let object = "ManagedEventSubscription"
            guard Int(context.apiVersion.prefix { $0 != "." }) ?? 0 >= ManagedSubscriptionTooling.versionMin else {
                throw .objectNotFound()
            }
            let names: Set = ["label", "topicName", "state", "defaultReplay", "errorRecoveryReplay", "version"]
            try metadata.check(known: names, of: object)
            label = try metadata.text("label")
            topic = try metadata.text("topicName")
            state = try Self.value(metadata, "state") { .init(rawValue: $0) }
            defaultReplay = try Self.value(metadata, "defaultReplay") { .init(rawValue: $0) }
            errorRecoveryReplay = try Self.value(metadata, "errorRecoveryReplay") { .init(rawValue: $0) }
        }

        private static func value<T>(
            _ metadata: [JSONValue.Member], _ name: String, _ read: (String) -> T?
        ) throws(OrgError) -> T {
            let text = try metadata.text(name)
            guard let value = read(text) else {
                throw .integrity("'\(text)' is not a valid value for \(name)", [name])
            }
            return value
        }

        func subscription(id: String, name: String) -> EventChannels.ManagedSubscription {
            .init(
                id: id, developerName: name, label: label, topic: topic, state: state, defaultReplay: defaultReplay,
                errorRecoveryReplay: errorRecoveryReplay)
        }
    }
}
