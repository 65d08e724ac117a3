import ChangeEvents

extension CustomSchema {
    /// The standard objects with their custom fields, the custom objects and the platform events.
    func catalogue(standard: Catalogue) -> Catalogue {
        let objects =
            standard.objects.map { object -> ObjectDefinition in
                var added = definitions(of: object.name)
                if object.field("PersonContactId") != nil {
                    // What contacts have, behind everything else.
                    added += definitions(of: "Contact").compactMap(PersonAccounts.accountField)
                }
                return added.isEmpty ? object : object.with(fields: object.fields + added)
            } + self.objects.filter { !$0.isEvent }.map(definition)
        return Catalogue(
            objects.map { Self.summariesTyped($0, objects) },
            events: standard.events + self.objects.filter(\.isEvent).map(definition), hidden: standard.hidden)
    }

    /// A summary of dates is a date, one of amounts a currency: as the field that it sums up.
    private static func summariesTyped(_ object: ObjectDefinition, _ objects: [ObjectDefinition]) -> ObjectDefinition {
        guard object.fields.contains(where: { $0.rollUp?.summarized != nil && $0.isCustom }) else { return object }
        return object.with(
            fields: object.fields.map { field in
                guard let rollUp = field.rollUp, let name = rollUp.summarized, field.isCustom,
                    let source = objects.first(where: { $0.name == rollUp.child })?.field(name)
                else { return field }
                var field = field
                field.kind = source.kind == .integer ? .double : source.kind
                field.scale = source.scale
                if !field.kind.isDecimal { field.precision = 0 }
                return field
            })
    }

    private func definitions(of object: String) -> [FieldDefinition] {
        fields.filter { $0.object.lowercased() == object.lowercased() }.flatMap(\.definitions)
    }

    private func definition(of object: Object) -> ObjectDefinition {
        let custom = definitions(of: object.name)
        let category = object.publishBehavior.map {
            ObjectDefinition.Category.platformEvent(afterCommit: $0 == .afterCommit)
        }
        return ObjectDefinition(
            name: object.name, label: object.label, labelPlural: object.pluralLabel, keyPrefix: object.keyPrefix,
            category: category ?? .custom, customID: object.id, isCapturable: category == nil,
            fields: (object.isEvent ? ObjectDefinition.platformEventFields : standardFields(of: object, custom))
                + custom)
    }

    /// What a custom object has before its own fields: an owner unless it is a detail, and a name.
    private func standardFields(of object: Object, _ custom: [FieldDefinition]) -> [FieldDefinition] {
        let isDetail = custom.contains { $0.reference?.isMasterDetail == true }
        let owner: [FieldDefinition] =
            isDetail
            ? [] : [.reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict)]
        let label = object.nameField?.label ?? "\(object.label) Name"
        let name: FieldDefinition =
            if let format = object.nameField?.displayFormat {
                .autoNumber("Name", label, format: format, from: UInt64(object.nameField?.startingNumber ?? 1))
            } else {
                .text("Name", label, 80)
            }
        return ObjectDefinition.leadingFields(idLabel: "Record ID") + owner + [name.naming()]
            + ObjectDefinition.auditFields
    }
}

extension CustomSchema.Field {
    /// One definition; three for a geolocation, which is a compound and its parts.
    var definitions: [FieldDefinition] {
        let metadata = self.metadata
        guard metadata.type == .location else { return [definition.custom(id)] }
        let base = name.dropLast("__c".count)
        var whole = FieldDefinition(.location, name, metadata.label).readOnly().custom(id)
        whole.componentNames = ["Latitude", "Longitude"]
        return [whole]
            + zip(["Latitude", "Longitude"], [90.0, 180.0]).map { part, bound in
                var field = FieldDefinition.number(
                    .double, "\(base)__\(part)__s", "\(metadata.label) (\(part))", digits: 3,
                    scale: metadata.scale ?? 6)
                field.isRequired = metadata.required
                field.bound = bound
                return field.part(of: name).custom(id)
            }
    }

    private var definition: FieldDefinition {
        let metadata = self.metadata
        var field = FieldDefinition(kind, name, metadata.label)
        field.length = length
        if field.kind.isDecimal {
            field.precision = metadata.precision ?? 18
            field.scale = metadata.scale ?? 0
        }
        field.isRequired = metadata.required
        field.isUnique = metadata.unique
        field.isExternalID = metadata.externalId
        field.isCaseSensitive = metadata.caseSensitive
        field.defaultValue = metadata.defaultValue.flatMap { FieldText.value($0, of: field) }
        field.defaultFormula = metadata.defaultFormula
        if metadata.type == .checkbox, field.defaultValue == nil { field.defaultValue = .boolean(false) }
        if FieldMetadata.FieldType.withValues.contains(metadata.type) {
            let standard = metadata.values.first(where: \.isDefault)?.name
            field.picklist = Picklist(
                metadata.values.map(\.name), default: standard, isRestricted: metadata.restricted)
            field.defaultValue = standard.map { .string($0) } ?? field.defaultValue
        }
        if metadata.type == .autoNumber {
            field.displayFormat = metadata.displayFormat ?? "{0}"
            field.startingNumber = UInt64(metadata.startingNumber ?? 1)
            field = field.readOnly()
        }
        if FieldMetadata.FieldType.withReference.contains(metadata.type) { field.reference = reference }
        if metadata.type == .masterDetail {
            field.isRequired = true
            field.isUpdateable = metadata.reparentableMasterDetail
        }
        if let formula = metadata.formula {
            field = field.calculated(formula)
            field.treatsBlankAsZero = metadata.formulaTreatBlanksAs != .blank
            field.defaultValue = nil
            field.defaultFormula = nil
        }
        if metadata.type == .summary { return summary(field) }
        return field
    }

    private var kind: FieldKind {
        switch metadata.type {
        case .autoNumber: .autoNumber
        case .checkbox: .boolean
        case .currency: .currency
        case .date: .date
        case .dateTime: .dateTime
        case .email: .email
        case .encryptedText: .encryptedText
        case .html: .richText
        case .location: .location
        case .longTextArea: .longTextArea
        case .lookup, .hierarchy, .masterDetail: .reference
        case .multiselectPicklist: .multiPicklist
        case .number, .summary: .double
        case .percent: .percent
        case .phone: .phone
        case .picklist: .picklist
        case .text: .text
        case .textArea: .textArea
        case .time: .time
        case .url: .url
        }
    }

    private var length: Int {
        switch metadata.type {
        // A formula's text may be as long as a formula can make it.
        case .text: metadata.formula == nil ? metadata.length ?? 255 : 1_300
        case .longTextArea, .html: metadata.length ?? 32_768
        case .encryptedText: metadata.length ?? 175
        case .textArea, .picklist, .url: 255
        case .multiselectPicklist: 4_099
        case .email: 80
        case .phone: 40
        case .autoNumber: 30
        case .lookup, .hierarchy, .masterDetail: 18
        case .checkbox, .currency, .date, .dateTime, .location, .number, .percent, .summary, .time: 0
        }
    }

    private var reference: ReferenceTarget {
        let isDetail = metadata.type == .masterDetail
        let deletion: ReferenceTarget.Deletion =
            switch metadata.deleteConstraint {
            case .cascade: .cascade
            case .restrict: .restrict
            case .setNull, nil: isDetail ? .cascade : .clear
            }
        return ReferenceTarget(
            objects: metadata.referenceTo, relationshipName: "\(name.dropLast("__c".count))__r", deletion: deletion,
            childRelationshipName: metadata.relationshipName.map { "\($0)__r" }, isMasterDetail: isDetail,
            isReparentable: metadata.reparentableMasterDetail, order: isDetail ? metadata.relationshipOrder ?? 0 : nil)
    }

    private func summary(_ field: FieldDefinition) -> FieldDefinition {
        var field = field.readOnly()
        guard let key = SchemaName.qualified(metadata.summaryForeignKey), let operation = metadata.summaryOperation
        else { return field }
        field.precision = 18
        field.scale = metadata.scale ?? 0
        field.rollUp = RollUp(
            operation: operation, child: key.object, childReference: key.field,
            summarized: SchemaName.qualified(metadata.summarizedField)?.field,
            filters: metadata.summaryFilterItems.map { filter in
                var filter = filter
                filter.field = SchemaName.qualified(filter.field)?.field ?? filter.field
                return filter
            })
        return field
    }
}
