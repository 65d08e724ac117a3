import ChangeEvents
import Doors

/// `PlatformEventChannel`: custom channels. The standard channel `ChangeEvents` is none of its records.
struct ChannelTooling: ToolingObject {
    var definition: ObjectDefinition {
        ObjectDefinition(
            name: "PlatformEventChannel", label: "Platform Event Channel", labelPlural: "Platform Event Channels",
            keyPrefix: ToolingPrefix.channel, isCapturable: false,
            fields: ToolingFields.leading("Platform Event Channel ID") + [
                .text("DeveloperName", "Name", 80), .text("MasterLabel", "Label", 80),
                .text("ChannelType", "Channel Type", 40), .text("EventType", "Event Type", 40),
            ])
    }

    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID {
        let fullName = try input.text("FullName")
        let terms = try EventChannels.ChannelTerms(input.metadata())
        let allocations = sandbox.configuration.allocations
        return try await sandbox.changeChannels { channels, newID in
            let id = try newID(ToolingPrefix.channel)
            try channels.addChannel(id: id.string, fullName: fullName, terms: terms, allocations: allocations)
            return id
        }
    }

    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError) {
        let fullName = try input.text("FullName")
        let terms = try EventChannels.ChannelTerms(input.metadata())
        try await sandbox.changeChannels { channels, _ in
            try channels.updateChannel(id: id.string, fullName: fullName, terms: terms)
        }
    }

    /// Its members go with it.
    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError) {
        try await sandbox.changeChannels { channels, _ in channels.removeChannel(id: id.string) }
    }

    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow] {
        sandbox.channels.current.channels.compactMap { channel in
            guard let id = RecordID(channel.id) else { return nil }
            var metadata: [JSONValue.Member] = [
                .init(name: "channelType", value: .string(channel.product.rawValue)),
                .init(name: "label", value: .string(channel.label)),
            ]
            if let type = channel.eventType { metadata.append(.init(name: "eventType", value: .string(type))) }
            return ToolingRow(
                id: id,
                values: [
                    "DeveloperName": .string(channel.developerName), "MasterLabel": .string(channel.label),
                    "ChannelType": .string(channel.product.rawValue),
                    "EventType": channel.eventType.map { .string($0) } ?? .null,
                ], fullName: channel.fullName, metadata: .object(metadata))
        }
    }
}

/// What the definitions of tooling objects begin with.
enum ToolingFields {
    static func leading(_ label: String) -> [FieldDefinition] {
        [ObjectDefinition.leadingFields(idLabel: label)[0]]
    }
}
