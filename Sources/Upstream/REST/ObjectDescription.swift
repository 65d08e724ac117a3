/// The type of a field, by Salesforce's name for it.
public enum FieldType: Sendable, Hashable {
    case id, string, textarea, picklist, multipicklist, combobox, reference, boolean, int, long, double, currency,
        percent
    case date, datetime, time, email, phone, url, address, location, encryptedstring, base64, anyType, complexvalue
    /// One that this version does not know.
    case other(String)

    public init(name: String) {
        self = Self.byName[name] ?? .other(name)
    }

    public var name: String {
        if case .other(let name) = self { return name }
        return "\(self)"
    }

    private static let known: [FieldType] = [
        .id, .string, .textarea, .picklist, .multipicklist, .combobox, .reference, .boolean, .int, .long, .double,
        .currency, .percent, .date, .datetime, .time, .email, .phone, .url, .address, .location, .encryptedstring,
        .base64, .anyType, .complexvalue,
    ]
    private static let byName = Dictionary(uniqueKeysWithValues: known.map { ("\($0)", $0) })

    /// Made of other fields (`BillingAddress`, a geolocation): the Bulk API does not give it, only its components.
    public var isCompound: Bool { self == .address || self == .location || self == .complexvalue }
}

/// What `describe` tells of a field. What an org leaves out is false, 0 or nil.
public struct FieldDescription: Sendable, Hashable {
    public var name: String
    public var label: String
    public var type: FieldType
    /// Characters; 0 where the type has none.
    public var length: Int
    /// Digits in all, and behind the point.
    public var precision: Int
    public var scale: Int
    /// Of an `int`.
    public var digits: Int
    /// A formula or a roll-up.
    public var isCalculated: Bool
    public var calculatedFormula: String?
    /// Of a component: the field that it is a part of. `Name` may be its own compound.
    public var compoundFieldName: String?
    public var isNillable: Bool
    public var isExternalID: Bool
    public var isUnique: Bool
    public var isCaseSensitive: Bool
    public var isFilterable: Bool
    public var isSortable: Bool
    public var isCreateable: Bool
    public var isUpdateable: Bool
    public var isAutoNumber: Bool
    public var isNameField: Bool
    public var isEncrypted: Bool
    public var isCustom: Bool
    public var isHTMLFormatted: Bool
    /// Of a lookup: the objects it may point to, and its name in a query (`Owner`).
    public var referenceTo: [String]
    public var relationshipName: String?
}

extension FieldDescription: Decodable {
    private enum Key: String, CodingKey {
        case name, label, type, length, precision, scale, digits, calculated, calculatedFormula, compoundFieldName
        case nillable, externalId, unique, caseSensitive, filterable, sortable, createable, updateable, autoNumber
        case nameField, encrypted, custom, htmlFormatted, referenceTo, relationshipName
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func flag(_ key: Key) throws -> Bool { try values.decodeIfPresent(Bool.self, forKey: key) ?? false }
        func number(_ key: Key) throws -> Int { try values.decodeIfPresent(Int.self, forKey: key) ?? 0 }
        func text(_ key: Key) throws -> String? { try values.decodeIfPresent(String.self, forKey: key) }
        name = try values.decode(String.self, forKey: .name)
        label = try text(.label) ?? ""
        type = FieldType(name: try values.decode(String.self, forKey: .type))
        length = try number(.length)
        precision = try number(.precision)
        scale = try number(.scale)
        digits = try number(.digits)
        isCalculated = try flag(.calculated)
        calculatedFormula = try text(.calculatedFormula)
        compoundFieldName = try text(.compoundFieldName)
        isNillable = try flag(.nillable)
        isExternalID = try flag(.externalId)
        isUnique = try flag(.unique)
        isCaseSensitive = try flag(.caseSensitive)
        isFilterable = try flag(.filterable)
        isSortable = try flag(.sortable)
        isCreateable = try flag(.createable)
        isUpdateable = try flag(.updateable)
        isAutoNumber = try flag(.autoNumber)
        isNameField = try flag(.nameField)
        isEncrypted = try flag(.encrypted)
        isCustom = try flag(.custom)
        isHTMLFormatted = try flag(.htmlFormatted)
        referenceTo = try values.decodeIfPresent([String].self, forKey: .referenceTo) ?? []
        relationshipName = try text(.relationshipName)
    }
}

/// What `describe` tells of an object, as the user of the login may see it: a field that is not there may be hidden from that
/// user alone.
public struct ObjectDescription: Sendable, Hashable {
    public var name: String
    public var label: String
    /// First three characters of its record ids; nil where it has none.
    public var keyPrefix: String?
    public var isQueryable: Bool
    /// Whether `updated` and `deleted` may be asked for it.
    public var isReplicateable: Bool
    public var isRetrieveable: Bool
    public var isCreateable: Bool
    public var isUpdateable: Bool
    public var isDeletable: Bool
    public var isUndeletable: Bool
    public var isCustom: Bool
    public var isCustomSetting: Bool
    /// Empty in what `describeGlobal` tells.
    public var fields: [FieldDescription]
    /// The answer's `Last-Modified`, or failing that its `Date`, as it came: what the next `describe` may ask by.
    public var lastModified: String?

    /// Field names are compared without regard to case, as SOQL does.
    public func field(_ name: String) -> FieldDescription? {
        let name = name.lowercased()
        return fields.first { $0.name.lowercased() == name }
    }
}

extension ObjectDescription: Decodable {
    private enum Key: String, CodingKey {
        case name, label, keyPrefix, queryable, replicateable, retrieveable, createable, updateable, deletable
        case undeletable, custom, customSetting, fields
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func flag(_ key: Key) throws -> Bool { try values.decodeIfPresent(Bool.self, forKey: key) ?? false }
        name = try values.decode(String.self, forKey: .name)
        label = try values.decodeIfPresent(String.self, forKey: .label) ?? ""
        keyPrefix = try values.decodeIfPresent(String.self, forKey: .keyPrefix)
        isQueryable = try flag(.queryable)
        isReplicateable = try flag(.replicateable)
        isRetrieveable = try flag(.retrieveable)
        isCreateable = try flag(.createable)
        isUpdateable = try flag(.updateable)
        isDeletable = try flag(.deletable)
        isUndeletable = try flag(.undeletable)
        isCustom = try flag(.custom)
        isCustomSetting = try flag(.customSetting)
        fields = try values.decodeIfPresent([FieldDescription].self, forKey: .fields) ?? []
        lastModified = nil
    }
}
