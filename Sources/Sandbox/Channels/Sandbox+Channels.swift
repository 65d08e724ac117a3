import ChangeEvents
import Doors
import Logging
import SOQL
import Store
import Synchronization
import Twin

extension Sandbox {
    /// The events that can be selected, as the catalogue has them now.
    var channelEvents: ChannelEvents {
        ChannelEvents(changes: captured.values.map(\.object), messages: platformEventObjects)
    }

    /// Changes the channels in one transaction. Effective when it returns.
    func changeChannels<T: Sendable>(
        _ body: @escaping @Sendable (inout EventChannels, (String) throws -> RecordID) throws -> T
    ) async throws(OrgError) -> T {
        let instance = organization.instance
        do {
            let (answer, channels) = try await twin.commit { writer in
                var channels = try EventChannels.read(writer) ?? EventChannels()
                var counters = try OrgCounters.read(writer)
                let answer = try body(&channels) { prefix in
                    try counters.nextRecordID(prefix: prefix, instance: instance)
                }
                channels.version += 1
                try counters.write(writer)
                try channels.write(writer)
                return (answer, channels)
            }
            try self.channels.replace(channels)
            observer.waiters.wakeAll()
            return answer
        } catch let error as OrgError {
            throw error
        } catch {
            logger.error("channels could not be changed", metadata: ["error": "\(error)"])
            throw .internalFailure()
        }
    }

    /// The name of a channel member that needs a field, so that it must not be deleted or change its type; nil where none
    /// does.
    func channelUse(ofField name: String, on object: ObjectDefinition) -> String? {
        let event = object.name.hasSuffix("__e") ? object.name : object.changeEventName
        let key = name.lowercased()
        for member in channels.current.members where member.event == event {
            if member.enrichedFields.contains(where: { $0.name.lowercased() == key }) { return member.fullName }
            let filter = channels.view(ofChannelTopic: topic(ofChannel: member.channel, event: event))?
                .members[event.hasSuffix("__e") ? "/event/\(event)" : "/data/\(event)"]?.filter
            let fields = filter?.fields ?? []
            if fields.contains(where: { $0.lowercased() == key || $0.lowercased().hasPrefix(key + ".") }) {
                return member.fullName
            }
        }
        return nil
    }

    private func topic(ofChannel name: String, event: String) -> String {
        channels.current.channel(named: name)?.topic ?? Self.allChangesTopic
    }

    /// The channels of the store; a new org selects what the configuration says.
    func openChannels() async throws {
        let selected = configuration.selectedEntities.sorted()
        let instance = organization.instance
        let names = captured.values.filter { selected.contains($0.object.name) }.map(\.object.changeEventName).sorted()
        let opened = try await twin.commit { writer -> EventChannels in
            if let kept = try EventChannels.read(writer) { return kept }
            var counters = try OrgCounters.read(writer)
            var founded = EventChannels()
            for name in names {
                let id = try counters.nextRecordID(prefix: ToolingPrefix.member, instance: instance)
                founded.members.append(
                    EventChannels.Member(
                        id: id.string, fullName: "\(EventChannels.standardChannel)_\(name)",
                        channel: EventChannels.standardChannel, event: name))
            }
            try counters.write(writer)
            try founded.write(writer)
            return founded
        }
        try channels.replace(opened)
    }
}

extension Sandbox {
    /// What a transaction that begins now publishes: changes of objects that are selected on any channel.
    func publishing(_ schema: OrgSchema) -> ChangeCapture {
        ChangeCapture(
            captured: schema.captured, selected: channels.selectedEvents,
            changesPerTransactionMax: configuration.changesPerTransactionMax)
    }

    var platformEventObjects: [ObjectDefinition] { catalogue.events }

    /// How the Tooling API names an event: a custom platform event by the id of its definition, others by name.
    func durableID(ofEvent name: String) -> String {
        catalogue.event(name)?.customID.flatMap { RecordID($0)?.string } ?? name
    }

    /// True for what can be subscribed to.
    func isTopic(_ topic: String) -> Bool {
        topic == Self.allChangesTopic || channels.current.channel(topic: topic) != nil
            || captured.values.contains { $0.object.changeEventTopic == topic }
            || platformEventObjects.contains { "/event/\($0.name)" == topic }
            || state.withLock { $0.injectedTopics.contains(topic) }
    }
}
