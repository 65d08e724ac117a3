import Crypto
import Foundation

/// Lower-case hexadecimal, as in a text diff.
func sha256(_ text: String) -> String {
    SHA256.hash(data: Data(text.utf8)).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}
