import SOQL
import Store
import Synchronization

/// The catalogue as the planner asks about it. Objects are described at first use and kept: a catalogue never changes, a
/// change of the org's schema makes another one.
final class CatalogueSchema: QuerySchema, Sendable {
    private let objects: [String: ObjectDefinition]
    private let described = Mutex<[String: QueryObject]>([:])

    init(_ objects: [ObjectDefinition]) {
        self.objects = Dictionary(objects.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    }

    func object(named name: String) -> QueryObject? {
        let key = name.lowercased()
        if let known = described.withLock({ $0[key] }) { return known }
        guard let definition = objects[key] else { return nil }
        let made = describe(definition)
        return described.withLock { described in
            // Whoever came first is kept: plans compare objects by nothing but their names.
            if let known = described[key] { return known }
            described[key] = made
            return made
        }
    }

    private func describe(_ definition: ObjectDefinition) -> QueryObject {
        QueryObject(
            name: definition.name, keyPrefix: definition.keyPrefix,
            table: "\"\(ObjectTable.sqlName(of: definition.name))\"",
            fields: definition.visibleFields.map { Self.field($0, of: definition) },
            parents: definition.visibleFields.compactMap { field in
                guard let reference = field.reference, let name = reference.relationshipName, !field.isDerived else {
                    return nil
                }
                return ParentRelationship(name: name, field: field.name, targets: reference.objects)
            },
            children: children(of: definition))
    }

    private func children(of parent: ObjectDefinition) -> [ChildRelationship] {
        objects.values.sorted { $0.name < $1.name }.flatMap { object in
            object.visibleFields.compactMap { field in
                guard !field.isDerived, field.reference?.objects.contains(parent.name) ?? false,
                    let name = object.childRelationshipName(of: field)
                else { return nil }
                return ChildRelationship(name: name, object: object.name, field: field.name)
            }
        }
    }

    private static func field(_ field: FieldDefinition, of object: ObjectDefinition) -> QueryField {
        let kind = field.kind
        let source = kind == .id ? QueryField.Source.column(ObjectTable.idColumn) : source(field, of: object)
        return QueryField(
            name: field.name, type: kind.queryType, source: source, isCustom: field.isCustom,
            isFilterable: field.isFilterable, isSortable: field.isSortable, isGroupable: field.isGroupable,
            isAggregatable: field.isAggregatable)
    }

    private static func source(_ field: FieldDefinition, of object: ObjectDefinition) -> QueryField.Source {
        if field.isDerived { return .derived }
        switch field.kind.queryType {
        case .compound:
            let parts = object.components(of: field).map { part in
                let name = part.componentName(in: field)
                return (name: name.prefix(1).lowercased() + name.dropFirst(), field: part.name)
            }
            return .compound(parts.sorted { $0.name < $1.name })
        case .identifier, .text, .multiPicklist, .boolean, .integer, .double, .date, .dateTime, .time:
            guard field.kind != .personName else { return .personName(first: "\"firstname\"", last: "\"lastname\"") }
            return .column("\"\(field.name.lowercased())\"")
        }
    }
}

extension ObjectDefinition {
    /// The name by which a parent's query reaches these records: `Contacts`, `Cases`, `ChildAccounts`; the owner and the
    /// audit fields have none.
    func childRelationshipName(of field: FieldDefinition) -> String? { field.reference?.childRelationshipName }
}
