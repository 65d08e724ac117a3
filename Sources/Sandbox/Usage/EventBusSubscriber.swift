/// `EventBusSubscriber`: the Apex triggers, flows and processes that take events. An org without them has none, however
/// many clients subscribe: those of the Pub/Sub API and CometD are never among its rows.
enum EventBusSubscriber {
    static var definition: ObjectDefinition {
        ObjectDefinition(
            name: "EventBusSubscriber", label: "Event Bus Subscriber", labelPlural: "Event Bus Subscribers",
            keyPrefix: "0Uf", isWritable: false, isCapturable: false,
            fields: [ObjectDefinition.leadingFields(idLabel: "Event Bus Subscriber ID")[0]] + [
                .text("ExternalId", "External ID", 255).readOnly(), .text("Name", "Name", 255).readOnly(),
                .text("Topic", "Topic", 255).readOnly(), .text("Type", "Type", 40).readOnly(),
                .text("Status", "Status", 40).readOnly(), .integer("Position", "Position", digits: 9).readOnly(),
                .integer("Tip", "Tip", digits: 9).readOnly(), .integer("Retries", "Retries", digits: 9).readOnly(),
                .text("LastError", "Last Error", 255).readOnly(),
                .boolean("IsPartitioned", "Is Partitioned").readOnly(),
                .dateTime("LastProcessed", "Last Processed").readOnly(),
                .dateTime("LastPublished", "Last Published").readOnly(),
            ])
    }
}
