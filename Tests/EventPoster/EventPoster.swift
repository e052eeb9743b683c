import Glibc
import PrusaConnect

/// A program to be killed: posts numbered events as fast as it can and says on standard output which are posted.
///
///     EventPoster PORT STATE-DIRECTORY COUNT
@main enum EventPoster {
    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 4, let port = UInt16(words[1]), let count = Int(words[3]),
            let server = ConnectServer(host: "127.0.0.1", port: port, usesTLS: false)
        else {
            print("usage: EventPoster PORT STATE-DIRECTORY COUNT")
            exit(64)
        }
        var options = ConnectOptions()
        options.stateDirectory = words[2]
        let printer = try Printer(
            type: .mk3s, serialNumber: "CZPX4720X004XC34242",
            connection: ConnectSettings(server: server, token: Token("secret-token-1234567")), options: options)
        try printer.start()
        for number in 0..<count {
            printer.send(event: .failed, source: .wui, reason: "\(number)")
            print(number)
            fflush(nil)
            usleep(500)
        }
        while true { sleep(1000) }
    }
}
