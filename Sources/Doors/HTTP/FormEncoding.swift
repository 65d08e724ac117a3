/// The other direction of `FormDecoding`.
package enum FormEncoding {
    /// An address with more parameters in its query.
    package static func url(_ address: String, adding parameters: [(String, String)]) -> String {
        let query = parameters.map { "\($0)=\(encoded($1))" }.joined(separator: "&")
        return address + (address.contains("?") ? "&" : "?") + query
    }

    package static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
