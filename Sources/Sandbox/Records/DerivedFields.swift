import ChangeEvents
import Store

/// Values that a record shows and does not hold: formulas, and fields of other records. Made when the record is read.
enum DerivedFields {
    /// `now`: what `NOW()` means, in milliseconds since 1970. `userID`: the caller, for `$User`.
    static func values(
        of image: RecordImage, _ object: ObjectDefinition, catalogue: Catalogue, now: Int64, userID: String? = nil,
        _ reader: any StoreReader
    ) throws -> [String: FieldValue] {
        guard object.hasDerivedFields else { return [:] }
        let paths = RecordPaths(catalogue: catalogue, reader: reader, now: now, userID: userID)
        return try values(of: image, object, paths)
    }

    static func values(
        of image: RecordImage, _ object: ObjectDefinition, _ paths: RecordPaths
    ) throws -> [String: FieldValue] {
        var values: [String: FieldValue] = [:]
        for field in object.fields where field.isDerived {
            values[field.name] = try paths.derived(field, of: image, object)
        }
        return values
    }
}

/// Follows references from record to record: `["Account", "Owner", "Name"]`. Lives for one reading on one thread;
/// records that are met twice are read once.
final class RecordPaths {
    /// Formulas that refer to formulas; the schema has no rings, so this is never reached.
    private static let depthMax = 50

    private let catalogue: Catalogue
    private let reader: any StoreReader
    private let now: Int64
    private let userID: String?
    private var known: [RecordID: RecordImage?] = [:]
    private var depth = 0

    init(catalogue: Catalogue, reader: any StoreReader, now: Int64, userID: String?) {
        self.catalogue = catalogue
        self.reader = reader
        self.now = now
        self.userID = userID
    }

    /// The value of a field that is not stored.
    func derived(_ field: FieldDefinition, of image: RecordImage, _ object: ObjectDefinition) throws -> FieldValue {
        if let path = field.shownPath {
            return try value(path.split(separator: ".").map(String.init), of: image, object)
        }
        guard let formula = catalogue.formulas.formula(of: field, in: object), depth < Self.depthMax else {
            return .null
        }
        depth += 1
        defer { depth -= 1 }
        let value = try formula.evaluate(RecordFormulaSource(paths: self, image: image, object: object, now: now))
        if case .double(let number) = value { return .double(FormulaNumber.rounded(number, scale: field.scale)) }
        return value
    }

    /// Null where a step leads nowhere.
    func value(_ path: [String], of image: RecordImage, _ object: ObjectDefinition) throws -> FieldValue {
        var image = image
        var object = object
        for step in path.dropLast() {
            guard let (next, found) = try self.step(step, from: image, object) else { return .null }
            object = next
            image = found
        }
        guard let name = path.last, let field = object.field(name) else { return .null }
        switch field.kind {
        case .id: return .string(image.id.string)
        case .personName: return RecordName.person(image.fields).map { .string($0) } ?? .null
        default: return field.isDerived ? try derived(field, of: image, object) : image.fields[field.name] ?? .null
        }
    }

    private func step(
        _ step: String, from image: RecordImage, _ object: ObjectDefinition
    ) throws -> (ObjectDefinition, RecordImage)? {
        let text: String?
        if step == ObjectIndex.callerName {
            text = userID
        } else {
            let name = step.lowercased()
            let field = object.fields.first { $0.reference?.relationshipName?.lowercased() == name }
            text =
                if let field, case .string(let id) = image.fields[field.name] ?? .null { id } else { nil }
        }
        guard let id = text.flatMap({ RecordID($0) }), let next = catalogue.object(ofRecord: id),
            let found = try record(id, next)
        else { return nil }
        return (next, found)
    }

    private func record(_ id: RecordID, _ object: ObjectDefinition) throws -> RecordImage? {
        if let known = known[id] { return known }
        let found = try reader.record(entity: object.name, id: id)
        let image = found.flatMap { $0.isDeleted ? nil : $0.image }
        known[id] = .some(image)
        return image
    }
}

extension OrgTransaction {
    /// What a formula gives a field of a new record; null where it has no value. Throws where that does not fit the field.
    func computedDefault(by rule: FieldRule, _ object: ObjectDefinition) throws -> FieldValue {
        guard let formula = catalogue.formulas.defaultFormula(of: rule.field, in: object) else { return .null }
        let paths = RecordPaths(catalogue: catalogue, reader: writer, now: now, userID: userID)
        let value = try formula.evaluate(CallerFormulaSource(paths: paths, object: object, now: now))
        return value == .null ? .null : try checked(value, by: rule, record: nil)
    }
}

/// The caller, and no record yet.
private struct CallerFormulaSource: FormulaSource {
    let paths: RecordPaths
    let object: ObjectDefinition
    let now: Int64

    func value(at path: [String]) throws -> FieldValue {
        try paths.value(path, of: RecordImage(entity: object.name, id: .empty, fields: [:], isComplete: false), object)
    }
}

/// The record that a formula is evaluated for.
private struct RecordFormulaSource: FormulaSource {
    let paths: RecordPaths
    let image: RecordImage
    let object: ObjectDefinition
    let now: Int64

    func value(at path: [String]) throws -> FieldValue { try paths.value(path, of: image, object) }
}
