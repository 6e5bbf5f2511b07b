return Holdfast.Commands.RootCommands.Invoke(args);
