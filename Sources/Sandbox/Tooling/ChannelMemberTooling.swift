import ChangeEvents
import Doors

/// `PlatformEventChannelMember`: what is selected on a channel, with its filter and enrichment.
struct ChannelMemberTooling: ToolingObject {
    var definition: ObjectDefinition {
        ObjectDefinition(
            name: "PlatformEventChannelMember", label: "Platform Event Channel Member",
            labelPlural: "Platform Event Channel Members", keyPrefix: ToolingPrefix.member, isCapturable: false,
            fields: ToolingFields.leading("Platform Event Channel Member ID") + [
                .text("DeveloperName", "Name", 80), .text("EventChannel", "Event Channel", 255),
                .longTextArea("FilterExpression", "Filter Expression", 131_072),
                .text("SelectedEntity", "Selected Entity", 255),
            ])
    }

    func create(_ input: ToolingInput, in sandbox: Sandbox, context: CallContext) async throws(OrgError) -> RecordID {
        let fullName = try input.text("FullName")
        let terms = try EventChannels.MemberTerms(input.metadata(), apiVersion: context.apiVersion)
        let events = sandbox.channelEvents
        let allocations = sandbox.configuration.allocations
        return try await sandbox.changeChannels { channels, newID in
            let id = try newID(ToolingPrefix.member)
            try channels.addMember(
                id: id.string, fullName: fullName, terms: terms, events: events, allocations: allocations,
                newID: { try newID($0).string })
            return id
        }
    }

    func update(
        _ id: RecordID, _ input: ToolingInput, in sandbox: Sandbox, context: CallContext
    ) async throws(OrgError) {
        let fullName = try input.text("FullName")
        let terms = try EventChannels.MemberTerms(input.metadata(), apiVersion: context.apiVersion)
        let events = sandbox.channelEvents
        try await sandbox.changeChannels { channels, newID in
            try channels.updateMember(
                id: id.string, fullName: fullName, terms: terms, events: events, newID: { try newID($0).string })
        }
    }

    func delete(_ id: RecordID, in sandbox: Sandbox, context: CallContext) async throws(OrgError) {
        try await sandbox.changeChannels { channels, _ in channels.removeMember(id: id.string) }
    }

    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow] {
        let channels = sandbox.channels.current
        return channels.members.compactMap { member in
            guard let id = RecordID(member.id) else { return nil }
            return ToolingRow(
                id: id,
                values: [
                    "DeveloperName": .string(member.fullName),
                    // A channel by its id; the standard channel has none.
                    "EventChannel": .string(channels.channel(named: member.channel)?.id ?? member.channel),
                    "FilterExpression": member.filterExpression.map { .string($0) } ?? .null,
                    "SelectedEntity": .string(sandbox.durableID(ofEvent: member.event)),
                ], fullName: member.fullName, metadata: metadata(of: member))
        }
    }

    private func metadata(of member: EventChannels.Member) -> JSONValue {
        let fields = member.enrichedFields.map {
            JSONValue.object([.init(name: "name", value: .string($0.name))])
        }
        return .object([
            .init(name: "enrichedFields", value: .array(fields)),
            .init(name: "eventChannel", value: .string(member.channel)),
            .init(name: "filterExpression", value: member.filterExpression.map { .string($0) } ?? .null),
            .init(name: "selectedEntity", value: .string(member.event)),
        ])
    }
}

/// `EnrichedField`: the enriched fields of all members. They are written with their member.
struct EnrichedFieldTooling: ToolingObject {
    let isWritable = false

    var definition: ObjectDefinition {
        ObjectDefinition(
            name: "EnrichedField", label: "Enriched Field", labelPlural: "Enriched Fields",
            keyPrefix: ToolingPrefix.enrichedField, isWritable: false, isCapturable: false,
            fields: ToolingFields.leading("Enriched Field ID") + [
                .reference(
                    "ChannelMemberId", "Channel Member ID", to: "PlatformEventChannelMember",
                    relationship: "ChannelMember"),
                .text("Field", "Field", 255),
            ])
    }

    func rows(in sandbox: Sandbox) async throws(OrgError) -> [ToolingRow] {
        let events = sandbox.channelEvents
        return sandbox.channels.current.members.flatMap { member in
            member.enrichedFields.compactMap { field in
                guard let id = RecordID(field.id) else { return nil }
                // A custom field is named by its id.
                let custom = events.event(named: member.event)?.object.field(field.name)?.customID
                let name = custom.flatMap { RecordID($0)?.string } ?? field.name
                return ToolingRow(
                    id: id, values: ["ChannelMemberId": .string(member.id), "Field": .string(name)])
            }
        }
    }
}
