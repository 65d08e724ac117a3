import ChangeEvents
import Doors
import Store
import Synchronization
import Twin

extension Sandbox {
    /// The org's objects as they are now. A snapshot: a transaction looks at its own (`OrgTransaction.catalogue`).
    var schema: OrgSchema { currentSchema.withLock { $0 } }

    var catalogue: Catalogue { schema.catalogue }

    /// What clients that ask with `If-Modified-Since` are told.
    var schemaTimes: SchemaTimes { currentSchemaTimes.withLock { $0 } }

    var captured: [String: CapturedObject] { schema.captured }

    /// The schema that a transaction works with: the one whose version its counters name. Nearly always the current
    /// one; read from the store in the instant between the commit of a change and its being known here.
    func schema(of counters: OrgCounters, _ reader: any StoreReader) throws -> OrgSchema {
        try schema(version: counters.schemaVersion ?? 0, reader)
    }

    /// The objects as a snapshot has them: whoever reads records takes its catalogue from where it reads them. One taken
    /// before could name a column that is gone by then.
    func catalogue(in reader: any StoreReader) throws -> Catalogue {
        try schema(version: OrgCounters.schemaVersion(reader) ?? 0, reader).catalogue
    }

    private func schema(version: UInt64, _ reader: any StoreReader) throws -> OrgSchema {
        let known = schema
        if known.version == version { return known }
        return try OrgSchema.read(version: version, reader, standard: configuration.standardCatalogue, previous: known)
    }

    /// Changes the org's objects in one transaction: definitions, tables and event schemas, or nothing. Events of the
    /// old schemas stay readable; later ones have a new schema id.
    func changeSchema<T: Sendable>(
        _ body: @escaping @Sendable (inout CustomSchema, _ newID: (_ prefix: String) throws -> String) throws -> T
    ) async throws -> T {
        let instance = organization.instance
        let standard = configuration.standardCatalogue
        let clock = configuration.clock
        let eventsMax = configuration.allocations.platformEventDefinitions
        let (answer, changed) = try await twin.commit { [self] writer in
            var counters = try OrgCounters.read(writer)
            let current = try schema(of: counters, writer)
            var custom = current.custom
            let answer = try body(&custom) { try counters.nextRecordID(prefix: $0, instance: instance).string }
            guard custom != current.custom else { return (answer, (OrgSchema, SchemaTimes)?.none) }
            if let problem = SchemaCheck.problems(of: custom, standard: standard).first {
                throw OrgError.badDefinition(problem)
            }
            let events = custom.objects.count(where: \.isEvent)
            // An org that has more already, from an edition with more, keeps them.
            guard events <= max(eventsMax, current.custom.objects.count(where: \.isEvent)) else {
                throw OrgError.limitExceeded(
                    "The maximum number of platform event definitions (\(eventsMax)) has been reached.")
            }
            let version = current.version + 1
            counters.schemaVersion = version
            let next = try OrgSchema(custom, version: version, standard: standard, previous: current)
            try Self.refuseShortening(from: current.catalogue, to: next.catalogue, writer)
            try next.write(writer)
            try SchemaTables.apply(next.catalogue, previous: current.catalogue, writer: writer)
            let transaction = OrgTransaction(
                writer: writer, catalogue: next.catalogue, instance: instance, userID: "", now: clock(),
                counters: counters)
            for object in next.catalogue.objects {
                let known = current.catalogue.object(object.name)
                let new = object.fields.filter { $0.rollUp != nil && known?.field($0.name)?.rollUp != $0.rollUp }
                if known != nil, !new.isEmpty { try transaction.fillRollUps(Set(new.map(\.name)), of: object) }
                let hasNewCheckbox = object.fields.contains {
                    $0.kind == .boolean && !$0.isDerived && known?.field($0.name) == nil
                }
                // A checkbox has no null, for whoever reads: not only where the record is changed the next time.
                if known != nil, hasNewCheckbox { try transaction.fillCheckboxes(of: object) }
            }
            try counters.write(writer)
            var times = try SchemaTimes.read(writer)
            try times.note(next.catalogue, now: clock(), writer)
            return (answer, (next, times))
        }
        if let (next, times) = changed {
            currentSchema.withLock { if $0.version < next.version { $0 = next } }
            currentSchemaTimes.withLock { if $0.version < times.version { $0 = times } }
        }
        return answer
    }

    /// Refuses a text field's change of type where a value in the store would be too long for it.
    private static func refuseShortening(
        from current: Catalogue, to next: Catalogue, _ reader: any StoreReader
    ) throws {
        for object in next.objects {
            guard let known = current.object(object.name) else { continue }
            for field in object.fields where field.kind.isText && !field.isDerived {
                guard let before = known.field(field.name), before.kind != field.kind, before.length > field.length,
                    let column = object.table.columns.first(where: { $0.name == field.name })
                else { continue }
                var isTooLong = false
                let select = RowSelect(
                    sql: """
                        SELECT 1 FROM "\(object.table.sqlName)" WHERE length("\(column.sqlName)") > \(field.length) LIMIT 1
                        """)
                try reader.select(select) { _ in
                    isTooLong = true
                    return false
                }
                if isTooLong {
                    throw OrgError(
                        status: OrgError.statusBadRequest, errorCode: "FIELD_INTEGRITY_EXCEPTION",
                        message: "\(object.name).\(field.name) holds values of more than \(field.length) characters",
                        fields: ["Metadata"])
                }
            }
        }
    }

    /// Takes up the definitions of a schema file, as a deployment does.
    public func deploy(_ definitions: SchemaDefinitions) async throws {
        try await changeSchema { schema, newID in
            for field in definitions.schema.fields {
                try schema.refuseTypeChange(of: field)
            }
            try schema.take(definitions.schema, newID: newID)
        }
    }
}

extension CustomSchema {
    /// A field keeps its values where its type changes: what would lose some, or needs them looked at one by one, is refused.
    func refuseTypeChange(of field: Field) throws(OrgError) {
        guard let known = self.field(field.name, of: field.object) else { return }
        let isSame =
            known.metadata.type.converts(to: field.metadata.type)
            && (known.metadata.formula == nil) == (field.metadata.formula == nil)
        guard isSame else {
            throw OrgError(
                status: OrgError.statusBadRequest, errorCode: "FIELD_INTEGRITY_EXCEPTION",
                message:
                    "\(field.object).\(field.name) is of type \(known.metadata.type.rawValue) and cannot be converted to "
                    + "\(field.metadata.type.rawValue): delete the field to make one of that type", fields: ["Metadata"]
            )
        }
    }
}

extension OrgError {
    static func badDefinition(_ problem: SchemaCheck.Problem) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "FIELD_INTEGRITY_EXCEPTION",
            message: "\(problem.path)\(problem.key.map { ".\($0)" } ?? "") \(problem.message)", fields: ["Metadata"])
    }
}
