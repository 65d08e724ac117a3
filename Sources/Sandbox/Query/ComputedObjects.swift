import Doors
import Store

extension Sandbox {
    /// Objects that `/query` answers although no records of them are kept. Whoever makes their rows adds them here.
    var computedObjects: [ComputedObject] { Self.computedObjects }

    private static let computedObjects: [ComputedObject] = [
        .eventLogFile, .usageMetric, .eventBusSubscriber, .leadStatus,
    ]
}

extension ComputedObject {
    static let eventLogFile = ComputedObject(definition: EventLogFile.definition) { sandbox, context, reader in
        let instance = sandbox.organization.instance
        let author = sandbox.organization.integrationUser?.id ?? ""
        return try sandbox.eventLogFiles(reader).map { file in
            ComputedRow(
                id: file.id(instance: instance),
                values: file.fields(instance: instance, author: author, apiVersion: context.apiVersion))
        }
    }
}
