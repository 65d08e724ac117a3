import ChangeEvents
import Crypto
import Foundation

/// The entity tag of a row: as in an org only accounts have one. It changes with every field.
enum EntityTag {
    static func make(_ object: ObjectDefinition, _ image: RecordImage) -> String? {
        guard object.name == ObjectDefinition.account.name else { return nil }
        var hash = SHA256()
        hash.update(data: Data(image.id.string.utf8))
        for field in object.fields {
            guard let value = image.fields[field.name] else { continue }
            hash.update(data: Data("\(field.name)=\(value)\u{0}".utf8))
        }
        return Data(hash.finalize()).base64EncodedString()
    }
}
