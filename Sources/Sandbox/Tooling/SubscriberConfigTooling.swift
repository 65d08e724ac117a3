import ChangeEvents
import Doors

/// `PlatformEventSubscriberConfig`: how an Apex trigger takes its events. There are no triggers here: it is kept and
/// answered.
struct SubscriberConfigTooling: ToolingObject {
    private static let batchSizes = 1...2_000
    private static let partitions = 1...10

    var definition: ObjectDefinition {
        ObjectDefinition(
            name: "PlatformEventSubscriberConfig", label: "Platform Event Subscriber Configuration",
            labelPlural: "Platform Event Subscriber Configurations", keyPrefix: ToolingPrefix.subscriberConfig,
            isCapturable: false,
            fields: ToolingFields.leading("Platform Event Subscriber Configuration ID") + [
                .text("DeveloperName", "Name", 80), .text("MasterLabel", "Label", 80),
                .text("PlatformEventConsumerId", "Platform Event Consumer ID", 255),
                .integer("BatchSize", "Batch Size", digits: 4),
                .reference("UserId", "User ID", to: "User", relationship: "User"),
                .integer("NumPartitions", "Number of Partitions", digits: 2),
                .text("PartitionKey", "Partition Key", 255),
            ])
    }

    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID {
        let name = try input.text("FullName")
        guard DeveloperName.isValid(name) else { throw .integrity("The name \(name) isn't valid.", ["FullName"]) }
        let config = try config(name: name, input.metadata())
        return try await sandbox.changeChannels { channels, newID in
            guard
                !channels.subscriberConfigs.contains(where: { $0.developerName.lowercased() == name.lowercased() })
            else { throw OrgError.duplicate("A configuration with the name \(name) exists already.", ["FullName"]) }
            let id = try newID(ToolingPrefix.subscriberConfig)
            var config = config
            config.id = id.string
            channels.subscriberConfigs.append(config)
            return id
        }
    }

    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError) {
        let config = try config(name: input.text("FullName"), input.metadata())
        try await sandbox.changeChannels { channels, _ in
            guard let index = channels.subscriberConfigs.firstIndex(where: { $0.id == id.string }) else {
                throw OrgError.recordNotFound()
            }
            guard channels.subscriberConfigs[index].developerName == config.developerName else {
                throw OrgError.integrity("The name of a configuration can't be changed.", ["FullName"])
            }
            var config = config
            config.id = id.string
            channels.subscriberConfigs[index] = config
        }
    }

    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError) {
        try await sandbox.changeChannels { channels, _ in channels.subscriberConfigs.removeAll { $0.id == id.string } }
    }

    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow] {
        sandbox.channels.current.subscriberConfigs.compactMap { config in
            guard let id = RecordID(config.id) else { return nil }
            func number(_ value: Int?) -> JSONValue { value.map { .number(String($0)) } ?? .null }
            func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
            return ToolingRow(
                id: id,
                values: [
                    "DeveloperName": .string(config.developerName), "MasterLabel": .string(config.label),
                    "PlatformEventConsumerId": .string(config.consumer),
                    "BatchSize": config.batchSize.map { .integer(Int64($0)) } ?? .null,
                    "UserId": config.user.map { .string($0) } ?? .null,
                    "NumPartitions": config.partitions.map { .integer(Int64($0)) } ?? .null,
                    "PartitionKey": config.partitionKey.map { .string($0) } ?? .null,
                ], fullName: config.developerName,
                metadata: .object([
                    .init(name: "batchSize", value: number(config.batchSize)),
                    .init(name: "masterLabel", value: .string(config.label)),
                    .init(name: "numPartitions", value: number(config.partitions)),
                    .init(name: "partitionKey", value: text(config.partitionKey)),
                    .init(name: "platformEventConsumer", value: .string(config.consumer)),
                    .init(name: "user", value: text(config.user)),
                ]))
        }
    }

    private func config(
        name: String, _ metadata: [JSONValue.Member]
    ) throws(OrgError) -> EventChannels.SubscriberConfig {
        try metadata.check(
            known: [
                "batchSize", "isProtected", "masterLabel", "numPartitions", "partitionKey", "platformEventConsumer",
                "user",
            ], of: "PlatformEventSubscriberConfig")
        let config = EventChannels.SubscriberConfig(
            id: "", developerName: name, label: try metadata.text("masterLabel"),
            consumer: try metadata.text("platformEventConsumer"),
            batchSize: try metadata.optionalInteger("batchSize"), user: try metadata.optionalText("user"),
            partitions: try metadata.optionalInteger("numPartitions"),
            partitionKey: try metadata.optionalText("partitionKey"))
        if let size = config.batchSize, !Self.batchSizes.contains(size) {
            throw .integrity("The batch size must be between 1 and 2000.", ["batchSize"])
        }
        if let count = config.partitions, !Self.partitions.contains(count) {
            throw .integrity("The number of partitions must be between 1 and 10.", ["numPartitions"])
        }
        return config
    }
}
