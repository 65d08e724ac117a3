import ChangeEvents
package import Doors

/// Events and states that an org brings about by itself, on command.
extension SandboxControl {
    /// What may stand in `kind`: the gaps, and the event of a mass conversion (`001*`).
    private enum GapKind: String, CaseIterable {
        case create = "GAP_CREATE"
        case update = "GAP_UPDATE"
        case delete = "GAP_DELETE"
        case undelete = "GAP_UNDELETE"
        case overflow = "GAP_OVERFLOW"
        case conversion

        /// Of single records; nil: it names none.
        var changeType: ChangeType? {
            switch self {
            case .create: .gapCreate
            case .update: .gapUpdate
            case .delete: .gapDelete
            case .undelete: .gapUndelete
            case .overflow, .conversion: nil
            }
        }
    }

    private static let idsMax = 200

    /// `{"kind": "GAP_UPDATE", "object": "Case", "ids": ["500…"]}`; `GAP_OVERFLOW` and `conversion` name no records. The records are
    /// not touched.
    package func publishGap(_ document: JSONValue) async throws -> JSONValue {
        var reader = try ControlDocument(document)
        let kind = try reader.choice("kind", GapKind.self)
        let object = try reader.text("object")
        let ids = try reader.texts("ids")
        try reader.finish()
        guard let kind else { throw ControlError(field: "kind", reason: "kind is missing.") }
        guard let object else { throw ControlError(field: "object", reason: "object is missing.") }
        do {
            switch (kind, kind.changeType) {
            case (_, let type?):
                try await sandbox.publishGap(type, object: object, ids: try records(ids))
            case (.overflow, nil):
                try refuse(ids)
                try await sandbox.publishOverflow(object: object)
            case (_, nil):
                try refuse(ids)
                try await sandbox.publishConversion(object: object)
            }
        } catch is OrgError {
            throw ControlError(field: "object", reason: "\(object.prefix(80)) is no object with change events.")
        }
        return Self.object(["kind": .string(kind.rawValue), "object": .string(object)])
    }

    private func records(_ texts: [String]?) throws(ControlError) -> [RecordID] {
        guard let texts, (1...Self.idsMax).contains(texts.count) else {
            throw ControlError(field: "ids", reason: "ids names 1 to \(Self.idsMax) records.")
        }
        return try texts.map { text throws(ControlError) in
            guard let id = RecordID(text) else {
                throw ControlError(field: "ids", reason: "\(text.prefix(80)) is no record id.")
            }
            return id
        }
    }

    private func refuse(_ ids: [String]?) throws(ControlError) {
        guard ids == nil else { throw ControlError(field: "ids", reason: "An event of this kind names no records.") }
    }

    /// `{"subscription": "Developer_Name"}`: the slot of a managed subscription is taken as by a client that died, for a quarter of an
    /// hour.
    package func holdManagedSubscription(_ document: JSONValue) throws(ControlError) -> JSONValue {
        var reader = try ControlDocument(document)
        let name = try reader.text("subscription")
        try reader.finish()
        guard let name else { throw ControlError(field: "subscription", reason: "subscription is missing.") }
        guard sandbox.holdManagedSubscription(name) else {
            throw ControlError(
                status: 404, field: "subscription", reason: "There is no managed subscription \(name.prefix(80)).")
        }
        return Self.object(["subscription": .string(name)])
    }
}
