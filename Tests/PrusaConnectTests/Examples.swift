import Foundation

@testable import PrusaConnect

// The code of `Examples.md`, compiled. `ExampleTests` runs it and compares it with the article line by line.

enum Examples {
    static func fromValues(_ server: ConnectServer) throws -> Printer {
        let values = ConnectSettings(server: server, token: Token("6Y1t9EwL56nGisiWgNZq"))
        let printer = try Printer(type: .mk3s, serialNumber: "SERIAL_NUMBER_FROM_PRINTER", connection: values)
        try printer.start()
        return printer
    }

    static func fromFile(in folder: String) throws -> Printer {
        var options = ConnectOptions()
        options.stateDirectory = folder + "/connect-state"
        let settings = try ConnectSettings(path: folder + "/prusa_printer_settings.ini")
        let printer = try Printer(
            type: .mk3s, serialNumber: "SERIAL_NUMBER_FROM_PRINTER", connection: settings, options: options)
        try printer.start()
        return printer
    }

    static func register(_ printer: Printer, storeToken: () throws -> Void) async throws {
        for await progress in printer.register() {
            switch progress {
            case .code(let code): print("Use this code \(code.code) in the form \(code.url)")
            case .delayed(let problem): print("Still trying: \(problem)")
            case .registered: try storeToken()
            case .failed(let error): print("No token: \(error)")
            }
        }
    }

    static func telemetry(_ printer: Printer, until over: Shared<Bool>) {
        var isOver: Bool { over.value }
        let thread = Thread {
            while !isOver {
                printer.telemetry {
                    $0.nozzleTemperature = 24.1
                    $0.bedTemperature = 23.2
                }
                sleep(1)
            }
        }
        thread.start()
    }

    static func event(_ printer: Printer, printSomething: () throws -> Void) {
        do {
            try printSomething()
        } catch {
            printer.send(event: .failed, source: .wui, reason: "\(error)")
        }
    }

    static func toggle(_ printer: Printer) {
        func toggle(_ printer: Printer) {
            switch printer.state {
            case .ready: printer.setState(.busy, source: .marlin)
            case .busy: printer.setState(.ready, source: .marlin)
            default: break
            }
        }
        toggle(printer)
    }

    static func files(_ printer: Printer, in folder: String) throws {
        try printer.attach(Storage(name: "local", directory: folder + "/gcodes"))
    }

    static func commands(_ printer: Printer) {
        printer.on(.startPrint) { [weak printer] command in
            let path = try command.path()
            printer?.setState(.printing, source: .connect, commandID: command.id)
            print("Printing file: \(path)")
            return .finished
        }

        printer.on(.stopPrint) { [weak printer] command in
            printer?.setState(.ready, source: .connect, commandID: command.id)
            print("Printing stopped")
            return .finished
        }
    }
}
